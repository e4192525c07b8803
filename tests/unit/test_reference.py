"""Does a missing reference folder skip at home and fail on the build server?"""

import pytest
from _pytest.outcomes import Failed, Skipped

from reference import reference_folder


def test_absent_reference_skips_at_home(tmp_path):
    with pytest.raises(Skipped, match="COUNTERPOISE_SHARED"):
        reference_folder({"COUNTERPOISE_SHARED": str(tmp_path)})


def test_absent_reference_fails_on_the_build_server(tmp_path):
    with pytest.raises(Failed, match="COUNTERPOISE_SHARED"):
        reference_folder({"COUNTERPOISE_SHARED": str(tmp_path), "CI": "true"})


def test_named_folder_is_taken(tmp_path):
    (tmp_path / "cases").mkdir()

    assert tmp_path == reference_folder({"COUNTERPOISE_SHARED": str(tmp_path), "CI": "true"})


def test_cases_load_as_documents(cases):
    assert cases("deribit/spm_pme_simulate_btc_docs_2024-06-17.json")
