package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Lines as Tempest 33 prints them. */
final class TempestReportTest {
    private static final String OUTPUT =
            """
            {0} tempest.api.network.test_ports.PortsTestJSON.test_show_port [0.029747s] ... ok
            {1} tempest.api.network.test_networks.NetworksTest.test_external_network_visibility ... SKIPPED: The public_network_id option must be specified.
            {0} tempest.api.network.test_groups.GroupTest.test_ports [0.125165s] ... FAILED

            Captured traceback:
            ~~~~~~~~~~~~~~~~~~~
                Traceback (most recent call last):

                  File "/usr/lib/python3/dist-packages/testtools/testcase.py", line 480, in assertThat
                raise mismatch_error

                testtools.matchers._impl.MismatchError: 'port -16' not in 'Bad request'

            {1} setUpClass (tempest.api.volume.test_list.ListTest) [0.000000s] ... FAILED
            {1} tempest.api.compute.test_lock.LockTest.test_lock[id-80a8094c,smoke] [2.5s] ... FAILED
                Details: {'code': 400, 'message': 'There is no such action: lock'}
            {0} tempest.api.compute.test_lock.LockTest.test_unlock[id-1] [2.5s] ... ok

            ==============================
            Failed 3 tests - output below:
            ==============================

            tempest.api.network.test_groups.GroupTest.test_ports
            """;

    private static List<String> end(String... known) {
        TempestReport report = new TempestReport(TempestKnown.of(Stream.of(known)));
        OUTPUT.lines().forEach(report::read);
        List<String> end = report.end();
        assertThat(report.ok()).isEqualTo(end.getLast().contains(" 0 failed,"));
        return end;
    }

    @Test
    void failuresAreNamedWithWhatTheyCameDownTo() {
        assertThat(end())
                .containsExactly(
                        "failed: tempest.api.network.test_groups.GroupTest.test_ports\n"
                                + "    testtools.matchers._impl.MismatchError: 'port -16' not in"
                                + " 'Bad request'",
                        "failed: tempest.api.volume.test_list.ListTest",
                        "failed: tempest.api.compute.test_lock.LockTest.test_lock\n"
                                + "    Details: {'code': 400, 'message': 'There is no such action:"
                                + " lock'}",
                        "tempest: 2 passed, 3 failed, 0 failed as known, 1 skipped");
    }

    @Test
    void knownOnesAreCountedApart() {
        assertThat(
                        end(
                                "tempest.api.network.test_groups.GroupTest.test_ports no words yet",
                                "tempest.api.volume.test_list.ListTest no lists",
                                "tempest.api.compute.test_lock.LockTest.test_lock no locks",
                                "tempest.api.compute.test_lock.LockTest.test_unlock no locks"))
                .containsExactly(
                        "passed, though a known failure:"
                                + " tempest.api.compute.test_lock.LockTest.test_unlock",
                        "tempest: 2 passed, 0 failed, 3 failed as known, 1 skipped");
    }

    @Test
    void aKnownFailureHasAReason() {
        assertThatThrownBy(() -> TempestKnown.of(Stream.of("tempest.api.x")))
                .isInstanceOf(CliException.class)
                .hasMessageContaining("needs a reason");
    }

    @Test
    void outputWithoutTestsIsEmpty() {
        TempestReport report = new TempestReport(TempestKnown.of(Stream.of()));
        assertThat(report.read("No tests were successful during the run")).isEmpty();
        assertThat(report.isEmpty()).isTrue();
    }
}
