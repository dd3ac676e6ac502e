package dev.iod.cli;

import dev.iod.pipeline.AddressText;
import dev.iod.pipeline.Bits;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes an engine's flow entries readable: its texts give numbers in hex and devices by number. */
final class FlowText {
    private static final Pattern DEVICE = Pattern.compile("\\bdevice=(\\d+)");

    private FlowText() {}

    private static Map<String, String> parts(String key) {
        Map<String, String> parts = new LinkedHashMap<>();
        for (String part : key.split(",")) {
            int equals = part.indexOf('=');
            if (equals > 0) {
                parts.put(part.substring(0, equals), part.substring(equals + 1));
            }
        }
        return parts;
    }

    /** The port or the tunnel that packets of an entry come from. */
    static String from(String key, Map<Integer, String> names) {
        Map<String, String> parts = parts(key);
        String device = parts.getOrDefault("device", "");
        if (device.isEmpty()) {
            return "a tunnel, network " + parts.getOrDefault("vni", "?");
        }
        return names.getOrDefault(Integer.parseInt(device), "device " + device);
    }

    /** Headers of an entry's packets; a part that any packet may have is zero. */
    static String match(String key) {
        Map<String, String> parts = parts(key);
        StringBuilder text = new StringBuilder();
        text.append(mac(parts, "src")).append(" > ");
        text.append(mac(parts, "dst")).append(' ');
        String four = parts.getOrDefault("ip4", "");
        if (!four.isEmpty()) {
            long both = Long.parseUnsignedLong(four, 16);
            text.append(AddressText.ip4(Bits.of(both >>> 32))).append(" > ");
            text.append(AddressText.ip4(Bits.of(both))).append(' ');
        } else {
            text.append("ip6 ").append(parts.getOrDefault("ip6", "")).append(' ');
        }
        text.append(FrameText.protocolName(Integer.parseInt(parts.getOrDefault("proto", "0"))));
        text.append(' ').append(parts.getOrDefault("ports", "").replace("/", " > "));
        return text.toString();
    }

    /** Whether an entry's packets go to a device. */
    static boolean outputs(String actions, int device) {
        Matcher matcher = DEVICE.matcher(actions);
        while (matcher.find()) {
            if (matcher.group(1).equals(Integer.toString(device))) {
                return true;
            }
        }
        return false;
    }

    /** What is done, with the names of ports. */
    static String actions(String actions, Map<Integer, String> names) {
        return DEVICE.matcher(actions)
                .replaceAll(
                        match ->
                                Matcher.quoteReplacement(
                                        "to "
                                                + names.getOrDefault(
                                                        Integer.parseInt(match.group(1)),
                                                        "device " + match.group(1))));
    }

    private static String mac(Map<String, String> parts, String name) {
        return AddressText.ethernet(Long.parseUnsignedLong(parts.getOrDefault(name, "0"), 16));
    }
}
