"""Do texts come back from their one run of bytes, and are wrong lengths refused?"""

import numpy as np
import pytest

from counterpoise.engine.texts import packed_texts, unpacked_texts


@pytest.mark.parametrize("texts", [[], [""], ["a", "", "é€𝄞", "\n\x00"], ["same", "same"]])
def test_texts_come_back(texts):
    assert texts == unpacked_texts(packed_texts(texts))


@pytest.mark.parametrize("lengths", [[1], [1, 3], [4, -1], [2, 2, 2**31 - 1]])
def test_lengths_of_other_texts_are_refused(lengths):
    with pytest.raises(ValueError, match="characters in 3"):
        unpacked_texts((b"abc", np.array(lengths, np.int32)))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ValueError, match="utf-8"):
        unpacked_texts((b"\xff", np.array([1], np.int32)))
