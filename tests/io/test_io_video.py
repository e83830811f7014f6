import struct
import subprocess
import sys
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from PIL import Image

from vitruve.io.errors import FileError
from vitruve.io.images import list_images
from vitruve.io.video import TruncatedVideoError, probe, read_frames, require_whole
from vitruve.io.video_writer import preview_mp4, write_video

# Upright picture, by quarter: red top left, green top right, blue bottom left, white bottom right.
RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 220)


def quarters(width=96, height=64):
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = RED, GREEN
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = BLUE, WHITE
    return image


def corners(image):
    h, w, _ = image.shape
    return [image[y, x] for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


def counting(num, width=64, height=48):
    """Frame i is grey level 10 + 5 i."""
    return [np.full((height, width, 3), 10 + 5 * i, np.uint8) for i in range(num)]


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, counting(40), fps=30.0, crf=10)
    return path


def turn_display(path, matrix):
    """Set the display matrix a b u c d v x y w in an MP4's track header (ISO 14496-12)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)


ONE, W = 1 << 16, 1 << 30


@pytest.mark.parametrize(
    ("matrix", "stored_turns", "size", "rotation_deg"),
    [
        # (x', y') = (a x + c y, b x + d y): a=0 b=1 c=-1 d=0 sends right to down, a clockwise turn,
        # so the pixels are stored turned counter-clockwise.
        ((0, ONE, 0, -ONE, 0, 0, 64 * ONE, 0, W), 1, (96, 64), 270),
        ((0, -ONE, 0, ONE, 0, 0, 0, 96 * ONE, W), -1, (96, 64), 90),
        ((-ONE, 0, 0, 0, -ONE, 0, 96 * ONE, 64 * ONE, W), 2, (96, 64), 180),
        ((ONE, 0, 0, 0, ONE, 0, 0, 0, W), 0, (96, 64), 0),
    ],
)
def test_phone_video_is_upright(tmp_path, matrix, stored_turns, size, rotation_deg):
    path = tmp_path / "phone.mp4"
    write_video(path, [np.ascontiguousarray(np.rot90(quarters(), stored_turns))] * 3, 30.0, crf=5)
    turn_display(path, matrix)
    info = probe(path)
    assert (info.image_size_px, info.rotation_deg) == (size, rotation_deg)
    for frame in read_frames(path):
        assert frame.image.shape == (64, 96, 3)
        assert np.abs(np.array(corners(frame.image), int) - [RED, GREEN, BLUE, WHITE]).max() < 12


def test_counts_times_and_info(clip):
    info = probe(clip)
    assert (info.num_frames, info.num_frames_exact, info.fps) == (40, True, 30.0)
    assert info.image_size_px == (64, 48)
    assert info.duration_s == pytest.approx(40 / 30, abs=1e-3)
    assert not info.variable_frame_rate
    reader = read_frames(clip)
    frames = list(reader)
    assert [f.index for f in frames] == list(range(40))
    assert [f.time_s for f in frames] == pytest.approx([i / 30 for i in range(40)])
    levels = [f.image.mean() for f in frames]
    assert levels == pytest.approx([10 + 5 * i for i in range(40)], abs=3)
    assert reader.damage is None
    require_whole(reader)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 5), (7, 12), (37, None), (37, 99), (50, None), (3, 3)]
)
def test_range_is_exact(clip, start, stop):
    frames = list(read_frames(clip, start, stop, threads=1))
    assert [f.index for f in frames] == list(range(40))[start:stop]
    for frame in frames:
        assert frame.image.mean() == pytest.approx(10 + 5 * frame.index, abs=3)


def test_refuses_a_negative_range(clip):
    with pytest.raises(ValueError, match="0 <= start <= stop"):
        read_frames(clip, -1)


def test_variable_rate_gives_real_times(tmp_path):
    path = tmp_path / "variable.mkv"
    ticks = [0, 33, 66, 200, 233, 500, 533]
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for tick, image in zip(ticks, counting(7), strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).variable_frame_rate
    times = [f.time_s for f in read_frames(path)]
    assert times == pytest.approx([t / 1000 for t in ticks], abs=0.0015)


def test_bt601_ignores_the_colour_tag(tmp_path):
    path = tmp_path / "tagged.mp4"
    write_video(path, [np.full((64, 64, 3), GREEN, np.uint8)] * 2, 25.0, crf=5)
    tagged = next(read_frames(path)).image[32, 32].astype(int)
    forced = next(read_frames(path, bt601=True)).image[32, 32].astype(int)
    assert np.abs(tagged - GREEN).max() < 6
    assert np.abs(forced - GREEN).max() > 15


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.97])
def test_truncated_clip_gives_what_decodes(tmp_path, keep):
    generator = np.random.default_rng(0)
    path = tmp_path / "cut.mp4"
    write_video(path, [generator.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(30)], 30.0)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    reader = read_frames(path)
    frames = list(reader)
    assert 5 < len(frames) <= 30
    assert probe(path).num_frames == 30
    with pytest.raises(TruncatedVideoError, match="damaged or cut short"):
        require_whole(reader)


def test_bad_files_say_so_in_one_line(tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    (tmp_path / "zeros.mp4").write_bytes(bytes(5000))
    (tmp_path / "list.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\nhttp://127.0.0.1/a.ts\n"
    )
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    with av.open(tmp_path / "sound.wav", "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    (tmp_path / "folder").mkdir()
    for name, why in {
        "empty.mp4": "is empty",
        "text.mp4": "no video|not a video",
        "zeros.mp4": "not a video",
        "list.m3u8": "no video|not a video",
        "sound.wav": "no video",
        "broken.jpg": "cannot be read as an image",
        "folder": "holds no images",
    }.items():
        for read in (probe, lambda p: list(read_frames(p))):
            with pytest.raises(FileError, match=why) as caught:
                read(tmp_path / name)
            assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no such video"):
        read_frames(tmp_path / "none.mp4")


def test_unicode_and_address_like_names(tmp_path, clip):
    for name in ("tanz 舞 😀.mp4", "http:a%03d.mp4"):
        path = clip.rename(tmp_path / name)
        assert len(list(read_frames(path))) == probe(path).num_frames == 40
        clip = path


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1), changes=st.integers(1, 200), keep=st.floats(0.0, 1.0))
def test_mutated_clips_never_escape(clip, tmp_path, seed, changes, keep):
    generator = np.random.default_rng(seed)
    data = np.frombuffer(clip.read_bytes(), np.uint8).copy()
    data[generator.integers(0, len(data), changes)] = generator.integers(0, 256, changes)
    path = tmp_path / "mutated.mp4"
    path.write_bytes(data[: int(len(data) * keep)].tobytes())
    try:
        probe(path)
        assert len(list(read_frames(path, threads=1))) <= 4000
    except FileError:
        event("refused")


def test_image_folder_in_natural_order(tmp_path):
    for i in (2, 10, 1):
        Image.fromarray(np.full((20, 30, 3), i * 10, np.uint8)).save(tmp_path / f"f{i}.png")
    (tmp_path / "notes.txt").write_text("no image")
    assert [p.name for p in list_images(tmp_path)] == ["f1.png", "f2.png", "f10.png"]
    frames = list(read_frames(tmp_path, fps=10.0))
    assert [int(f.image[0, 0, 0]) for f in frames] == [10, 20, 100]
    assert [f.time_s for f in frames] == pytest.approx([0, 0.1, 0.2])
    assert [f.index for f in read_frames(tmp_path, 1, 2)] == [1]
    assert list(read_frames(tmp_path, 0, 0)) == []
    info = probe(tmp_path)
    assert (info.image_size_px, info.num_frames, info.fps) == ((30, 20), 3, 25.0)


def test_image_folder_refuses_mixed_sizes(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    Image.new("RGB", (31, 20)).save(tmp_path / "b.png")
    with pytest.raises(FileError, match=r"a\.png is 30x20, b\.png is 31x20"):
        list(read_frames(tmp_path))


def test_exif_orientation_and_single_image(tmp_path):
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned counter-clockwise: show it turned clockwise
    Image.fromarray(np.rot90(quarters(), 1)).save(path, exif=exif, quality=95, subsampling=0)
    (frame,) = read_frames(path)
    assert probe(path).image_size_px == (96, 64)
    assert np.abs(np.array(corners(frame.image), int) - [RED, GREEN, BLUE, WHITE]).max() < 12


def test_picture_bombs_are_refused(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 6_000)).save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FileError, match="20000x6000"):
            probe(path)


def test_writer_is_atomic_and_odd_sizes_lose_a_row(tmp_path):
    path = tmp_path / "odd.mp4"
    write_video(path, [quarters(97, 65)] * 2, 29.97)
    assert probe(path).image_size_px == (96, 64)
    assert probe(path).fps == pytest.approx(29.97, abs=1e-3)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="frame 1 has shape"):
        write_video(path, [quarters(), quarters(10, 10)], 30.0)
    with pytest.raises(ValueError, match="no frames"):
        write_video(tmp_path / "none.mp4", [], 30.0)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["odd.mp4"]


def test_preview_is_small_and_keeps_time(tmp_path):
    path = tmp_path / "long.mp4"
    write_video(path, counting(48, 320, 240), fps=60.0)
    data, fps = preview_mp4(path, max_side_px=160, max_fps=30.0)
    small = tmp_path / "small.mp4"
    small.write_bytes(data)
    info = probe(small)
    assert (info.image_size_px, info.num_frames, fps) == ((160, 120), 24, 30.0)
    levels = [f.image.mean() for f in read_frames(small)]
    assert levels == pytest.approx([10 + 10 * i for i in range(24)], abs=6)
    with pytest.raises(FileError, match="does not fit"):
        preview_mp4(path, max_bytes=100)


def test_importing_the_room_does_not_load_av():
    code = "import sys, vitruve.io; sys.exit('av' in sys.modules or 'PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
