package dev.iod.cli;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The real OpenStack client as one interactive process: its start costs seconds, a command then
 * costs what the region needs.
 */
final class OpenStack implements AutoCloseable {
    private static final String MARK = "iod-end-of-command";

    /** How the client prints what a service, or it itself, has refused. */
    private static final Pattern REFUSED =
            Pattern.compile(
                    "\\(HTTP [45]\\d\\d\\)|Exception: [45]\\d\\d|No \\S+ with a name or ID");

    private final Process process;
    private final BufferedWriter input;
    private final BufferedReader output;

    OpenStack(Layout layout, String cloud) {
        ProcessBuilder builder = new ProcessBuilder("/usr/bin/openstack").redirectErrorStream(true);
        credentials(builder, layout, cloud);
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new CliException(
                    "cannot start the OpenStack client (package python3-openstackclient)", e);
        }
        input =
                new BufferedWriter(
                        new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
        output =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    static void credentials(ProcessBuilder builder, Layout layout, String cloud) {
        builder.environment().put("OS_CLIENT_CONFIG_FILE", Credentials.clouds(layout).toString());
        builder.environment().put("OS_CLOUD", cloud);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        builder.environment().put("PYTHONUNBUFFERED", "1"); // or the mark overtakes the answer
    }

    /** Runs a command that prints nothing we need. @throws CliException when it prints an error */
    void run(String command) {
        String answer = ask(command);
        if (REFUSED.matcher(answer).find()) {
            throw new CliException("'openstack " + command + "' answered: " + answer.strip());
        }
    }

    /** Runs a command with JSON output. */
    JsonNode json(String command) {
        String text = ask(command + " -f json");
        int start = Math.max(0, Math.min(indexOr(text, '{'), indexOr(text, '[')));
        try {
            return Api.JSON.readTree(text.substring(start));
        } catch (JacksonException | StringIndexOutOfBoundsException e) {
            throw new CliException("'openstack " + command + "' answered: " + text.strip(), e);
        }
    }

    private static int indexOr(String text, char c) {
        int index = text.indexOf(c);
        return index < 0 ? text.length() : index;
    }

    private String ask(String command) {
        try {
            input.write(command + "\nshell echo " + MARK + "\n");
            input.flush();
            StringBuilder answer = new StringBuilder();
            ArrayDeque<String> last = new ArrayDeque<>();
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.contains(MARK)) {
                    return answer.toString();
                }
                answer.append(line.replace("(openstack) ", "")).append('\n');
                last.add(line);
            }
            throw new CliException("the OpenStack client ended: " + String.join("\n", last));
        } catch (IOException e) {
            throw new CliException("the OpenStack client went away: " + CliException.reason(e), e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
