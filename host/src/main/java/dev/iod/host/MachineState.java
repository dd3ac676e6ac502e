package dev.iod.host;

/** Where a machine is in its life. */
public enum MachineState {
    /** Its VMM is being started or waits for its back ends. */
    STARTING,
    /** Its VMM runs and answers. */
    RUNNING,
    /** Its VMM runs and answers; the guest's processors stand still until they are resumed. */
    PAUSED,
    /** Its VMM is gone as somebody, the guest included, wanted. */
    STOPPED,
    /** It could not be started, or its VMM is gone and nobody wanted that. */
    FAILED,
    /**
     * It was wanted, and its VMM went while no virtDaemon looked: with the whole host, as a rule.
     */
    LOST;

    /** Whether there is a VMM, or is about to be. */
    public boolean alive() {
        return switch (this) {
            case STARTING, RUNNING, PAUSED -> true;
            case STOPPED, FAILED, LOST -> false;
        };
    }
}
