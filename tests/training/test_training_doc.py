import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_examples_print_what_the_page_says(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    examples = re.findall(r"```python\n([^`]*)```\n```text\n(.*?)```", text, re.S)
    assert len(examples) == text.count("```python")
    for code, printed in examples:
        exec(compile(code, str(PAGE), "exec"), {})
        assert capsys.readouterr().out == printed
