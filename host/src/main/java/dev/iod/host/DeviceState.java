package dev.iod.host;

/** Where a device is on its way into a machine or out of it. */
public enum DeviceState {
    /** Wanted, not in the machine yet. */
    ATTACHING,
    /** In the machine. */
    ATTACHED,
    /** No longer wanted, and still in the machine or in its VMM: its back end must stay. */
    DETACHING
}
