package dev.iod.host;

/** Where a machine is in its life. */
public enum MachineState {
    /** Its VMM is being started or waits for its back ends. */
    STARTING,
    /** Its VMM runs and answers. */
    RUNNING,
    /** Its VMM is gone as somebody, the guest included, wanted. */
    STOPPED,
    /** It could not be started, or its VMM is gone and nobody wanted that. */
    FAILED,
    /**
     * It was wanted, and its VMM went while no virtDaemon looked: with the whole host, as a rule.
     */
    LOST
}
