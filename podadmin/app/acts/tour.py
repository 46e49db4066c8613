"""The tour: a pod with demo data, a local network and a demo requester, set up by itself and removable in one act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.app.acts import datasource, network, pod, schema_making
from podadmin.app.acts.registry import act
from podadmin.app.demo import send_demo_requests
from podadmin.app.profile import TOUR_SETTING, wipe_at_next_start
from podadmin.app.settings import keep
from podadmin.app.views.facts import Done
from podadmin.core.errors import Refused
from podadmin.core.progress import Progress, Step
from podadmin.core.resources import resource
from podadmin.datasources import service as datasources
from podadmin.pod import service as pods
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

POD, DATASOURCE = "demo-pod", "patients"
FORCED = {"sex": "categorical", "eye": "categorical", "diagnosis_code": "categorical"}
IGNORED = ["patient_id"]


@act("tour", writes=True, kinds=("tour", "pod", "key", "datasource", "schema", "network", "request"))
def tour(profile: Profile, progress: Progress) -> Done:
    """Set up a pod with demo data and join the local network; where the gate runs, a first request arrives."""
    if pods.find(profile.store) is not None or datasources.list_all(profile.store):
        raise Refused(
            "tour.profile-in-use",
            "The tour was not started.",
            "This profile has a pod or a datasource already, and the tour would mix demo data into it.",
            "Start podadmin with --profile and a new folder for the tour.",
        )
    if profile.keyring_choice is None:
        profile.choose_keyring("memory" if profile.options.headless else "system")
    with profile.store.record(Fact(profile.actor, "tour.started", profile.id)) as unit:
        keep(unit, TOUR_SETTING, True)
    pod.create(profile, POD, owner="custodian", progress=_part(progress, 0.0, 0.4))
    progress.report("Connecting the demo data", 0.4)
    path = str(resource("demo", "patients.csv"))
    datasource.add(profile, DATASOURCE, path, ignore=IGNORED, force=FORCED)
    datasource.check(profile, DATASOURCE, _part(progress, 0.45, 0.5))
    schema_making.generate_schema(profile, DATASOURCE, save=True, progress=_part(progress, 0.5, 0.7))
    network.join_network(profile, "local", progress=_part(progress, 0.7, 0.9))
    if profile.engine is not None:
        progress.report("Waiting for the gate", 0.9)
        profile.engine.wait_until_on(progress)
        send_demo_requests(profile, "sql", 1, _part(progress, 0.92, 1.0))
        return Done("The tour is ready: a first request is on its way. Everything in it is demo data.", profile.id)
    return Done(
        "The tour is ready. Everything in it is demo data. Start the gate with `podadmin serve`, then "
        "`podadmin network send sql`.",
        profile.id,
    )


@act("tour remove", writes=True, kinds=("tour",))
def remove(profile: Profile) -> Done:
    """Remove the tour with all that is in it: this profile is empty at its next start."""
    wipe_at_next_start(profile)
    return Done("The tour is removed when podadmin starts the next time with this profile.", profile.id)


def _part(whole: Progress, start: float, end: float) -> Progress:
    """A progress whose 0 to 1 is a part of another's, and that is cancelled with it."""

    def relay(step: Step) -> None:
        done = start + (end - start) * step.fraction if step.fraction is not None else None
        whole.report(step.what, done)

    part = Progress(relay)
    whole.on_cancel(part.cancel)
    return part
