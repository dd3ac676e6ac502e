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

        /** What was asked came to nothing. */
        record Failed(Status then, Message.Event event, String reason) implements Verdict {}

        /** It is deleted. */
        record Gone() implements Verdict {}
    }

    /**
     * @param report of a goal that carries what was asked last
     */
    static Verdict reported(Status status, Report report) {
        return switch (status) {
            case CREATING -> made(report, Status.ERROR, Message.Event.CREATE);
            case EXTENDING -> made(report, Status.ERROR_EXTENDING, Message.Event.EXTEND);
            case DELETING, ERROR_DELETING -> deleted(status, report);
            case AVAILABLE, ERROR, ERROR_EXTENDING -> new Verdict.Unchanged();
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
