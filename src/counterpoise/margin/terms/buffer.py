"""How does a requirement rise slowly at first? The anti-procyclicality buffer.

    charged_t = max(model_t, min((1 + b) model_t, charged_{t-1})),  charged_0 = (1 + b) model_0

While the model rises, the charge holds until the buffer is used up, then it follows; on the way
down it is never above (1 + b) x model. Source: Commission Delegated Regulation (EU) 153/2013,
article 28(1)(a), b = 0.25. *Our reading*: the buffer is used by the formula, not by decision, and
stands on the requirement of positions, orders left out.
"""

import numpy as np

from counterpoise.margin.requirement import Floats


def charge(model: Floats, previous: Floats, size: float) -> Floats:
    """Return what is charged where the model asks for `model`, same shape.

    `previous` is what was charged the step before; NaN where there was none.
    """
    most = (1.0 + size) * model
    held = np.where(np.isnan(previous), most, np.minimum(most, previous))
    return np.asarray(np.maximum(model, held))


def charged(model: Floats, size: float) -> Floats:
    """Return what is charged step by step, [step] or [step, account], from the model's series."""
    out = np.empty_like(model)
    last = np.full(model.shape[1:], np.nan)
    for k in range(len(model)):
        last = charge(model[k], last, size)
        out[k] = last
    return out
