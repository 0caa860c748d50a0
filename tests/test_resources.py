"""The shipped content is found, in a wheel as in a checkout."""

import pytest

from automl import resources


@pytest.mark.parametrize("name", ["pipelines", "reports"])
def test_folder_exists_and_is_absolute(name):
    """Both folders of content are found, wherever the process stands."""
    found = resources.folder(name)

    assert found.is_dir()
    assert found.is_absolute()


def test_shipped_folder_wins_over_the_one_beside_the_package(tmp_path, monkeypatch):
    """An installed package reads its own content, not a neighbour's beside it."""
    package = tmp_path / "automl"
    (package / "_pipelines").mkdir(parents=True)
    (tmp_path / "pipelines").mkdir()
    monkeypatch.setattr(resources, "_HERE", package)

    assert package / "_pipelines" == resources.folder("pipelines")


def test_checkout_folder_is_used_when_nothing_is_shipped(tmp_path, monkeypatch):
    """In a checkout the folder beside the package is read."""
    package = tmp_path / "automl"
    package.mkdir()
    (tmp_path / "reports").mkdir()
    monkeypatch.setattr(resources, "_HERE", package)

    assert tmp_path / "reports" == resources.folder("reports")


def test_working_directory_is_never_read(tmp_path, monkeypatch):
    """A user's own pipelines folder in the working directory changes nothing."""
    expected = resources.folder("pipelines")
    (tmp_path / "pipelines").mkdir()
    monkeypatch.chdir(tmp_path)

    assert expected == resources.folder("pipelines")


def test_unknown_folder_says_where_it_looked_and_what_to_do(tmp_path, monkeypatch):
    """A missing folder is an error that names both places and the cure."""
    monkeypatch.setattr(resources, "_HERE", tmp_path / "automl")

    with pytest.raises(FileNotFoundError, match="No folder 'recipes'") as caught:
        resources.folder("recipes")

    message = str(caught.value)
    assert str(tmp_path / "automl" / "_recipes") in message
    assert str(tmp_path / "recipes") in message
    assert "install it again" in message
