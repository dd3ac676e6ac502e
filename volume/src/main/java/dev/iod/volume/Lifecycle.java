package dev.iod.volume;

/** What the report of a node means for a volume: a pure function. */
final class Lifecycle {
    private Lifecycle() {}

    /** What a node says of a volume. */
    sealed interface Report {
        /** On its way. */
        record Coming() implements Report {}

        /** There, and as large as the goal said. */
        record Ready() implements Report {}

        /** Cannot be as the goal said. */
        record Failed(String reason) implements Report {}

        /** Shall go, and could not be deleted. */
        record Stuck(String reason) implements Report {}

        /** There is nothing of it. */
        record Absent() implements Report {}
    }

    /** What follows. */
    sealed interface Verdict {
        record Unchanged() implements Verdict {}

        /** It is as it was asked to be. */
        record Done() implements Verdict {}

        /** What it had, its node has no more. */
        record Lost(String reason) implements Verdict {}

        /** What was asked came to nothing. */
        record Failed(Status then, Message.Event event, String reason) implements Verdict {}

        /** It is deleted. */
        record Gone() implements Verdict {}

        /** A server has it. */
        record Attached() implements Verdict {}

        /** No server has it any more. */
        record Detached() implements Verdict {}

        /** What was asked of its server waits for something that was not told yet. */
        record Waits(Message.Event event, String reason) implements Verdict {}
    }

    /** What a node says of a volume as a device of a server. */
    sealed interface Device {
        /** The machine has it. */
        record Attached() implements Device {}

        /**
         * The machine is to get it or to give it back.
         *
         * @param reason why it has not yet; empty while that is no news
         */
        record Moving(String reason) implements Device {}

        /** The machine runs without it. */
        record None() implements Device {}

        /** There is no machine; the next one is as the goal says. */
        record Off() implements Device {}

        /** Nothing is known of the server. */
        record Unknown() implements Device {}
    }

    /**
     * The same for a volume that a server shall get or give back.
     *
     * @param told what it waits for and was told to its owner
     */
    static Verdict moved(Status status, Device device, String told) {
        boolean attaching = status == Status.ATTACHING;
        if (!attaching && status != Status.DETACHING) {
            return new Verdict.Unchanged();
        }
        return switch (device) {
            case Device.Attached _ -> attaching ? new Verdict.Attached() : new Verdict.Unchanged();
            case Device.Off _ -> attaching ? new Verdict.Attached() : new Verdict.Detached();
            case Device.None _ -> attaching ? new Verdict.Unchanged() : new Verdict.Detached();
            case Device.Unknown _ -> new Verdict.Unchanged();
            case Device.Moving(String reason) ->
                    reason.isEmpty() || reason.equals(told)
                            ? new Verdict.Unchanged()
                            : new Verdict.Waits(
                                    attaching ? Message.Event.ATTACH : Message.Event.DETACH,
                                    reason);
        };
    }

    /**
     * @param presence whether it was there before
     * @param report of a goal that carries what was asked last
     */
    static Verdict reported(Status status, Presence presence, Report report) {
        return switch (status) {
            case CREATING -> made(report, Status.ERROR, Message.Event.CREATE);
            case EXTENDING -> made(report, Status.ERROR_EXTENDING, Message.Event.EXTEND);
            case DELETING, ERROR_DELETING -> deleted(status, report);
            case AVAILABLE ->
                    switch (report) {
                        case Report.Failed(String reason) -> new Verdict.Lost(reason);
                        // An administrator said so before its node did.
                        case Report.Ready _ when presence == Presence.LOST -> new Verdict.Done();
                        case Report.Ready _, Report.Coming _, Report.Stuck _, Report.Absent _ ->
                                new Verdict.Unchanged();
                    };
            // It was not told to be in error by an administrator, and is found again.
            case ERROR ->
                    presence == Presence.LOST && report instanceof Report.Ready
                            ? new Verdict.Done()
                            : new Verdict.Unchanged();
            // As large as it was.
            case ERROR_EXTENDING ->
                    report instanceof Report.Ready ? new Verdict.Done() : new Verdict.Unchanged();
            case ATTACHING, IN_USE, UPLOADING, DETACHING -> new Verdict.Unchanged();
        };
    }

    private static Verdict made(Report report, Status otherwise, Message.Event event) {
        return switch (report) {
            case Report.Ready _ -> new Verdict.Done();
            case Report.Failed(String reason) -> new Verdict.Failed(otherwise, event, reason);
            case Report.Coming _, Report.Stuck _, Report.Absent _ -> new Verdict.Unchanged();
        };
    }

    /** The node goes on trying, so one that could not be deleted may be gone later. */
    private static Verdict deleted(Status status, Report report) {
        return switch (report) {
            case Report.Absent _ -> new Verdict.Gone();
            case Report.Stuck(String reason) ->
                    status == Status.DELETING
                            ? new Verdict.Failed(
                                    Status.ERROR_DELETING, Message.Event.DELETE, reason)
                            : new Verdict.Unchanged();
            case Report.Coming _, Report.Ready _, Report.Failed _ -> new Verdict.Unchanged();
        };
    }
}
