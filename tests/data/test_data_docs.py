import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/data.md"


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.S)
    names = {}
    exec(compile(example, str(PAGE), "exec"), names)
    assert names["part"].num_frames == 60
    assert names["batch"].joints_cam.shape == (8, 27, 17, 3)
