"""Does a decision reach the engine, act at its time, and only once?"""

from counterpoise.adapters.activations import activation_events
from counterpoise.engine import events as said
from counterpoise.engine.effects import EventRepeated, ParametersTookEffect
from counterpoise.governance.proposals import Activation
from counterpoise.values.time import SECOND_NS
from engine_world import World, parameters


def test_activated_parameters_act_at_their_time_and_once():
    world = World()
    world.begin("alice")
    world.calm()
    wanted = world.time + 10 * SECOND_NS
    event, = activation_events([Activation(decision="p1", segment="retail", effective_from=wanted,
                                           version=parameters(0.2, number=2))], time=world.time)
    told = world.hear(event)
    again = world.hear(event)
    before = world.market(seconds=9.5)
    after = world.market(seconds=1.0)

    assert "p1/retail/2/" in event.client_id and isinstance(event, said.ParametersActivated)
    assert not [e for e in (*told, *before) if isinstance(e, ParametersTookEffect)]
    assert isinstance(again[0], EventRepeated)
    assert [2] == [e.version for e in after if isinstance(e, ParametersTookEffect)]
