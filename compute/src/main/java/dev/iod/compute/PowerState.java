package dev.iod.compute;

/** {@code OS-EXT-STS:power_state}, with Nova's numbers. */
enum PowerState {
    NO_STATE(0),
    RUNNING(1),
    PAUSED(3),
    SHUTDOWN(4),
    CRASHED(6);

    private final int number;

    PowerState(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static PowerState of(int number) {
        for (PowerState state : values()) {
            if (state.number == number) {
                return state;
            }
        }
        throw new IllegalArgumentException("no power state " + number);
    }
}
