package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import dev.iod.pipeline.Bits;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The DHCPv4 options that the southbound database defines (its DHCP_Options table), and their
 * encoding (RFC 2132, RFC 3397, RFC 3442).
 */
record DhcpOptions(Map<String, Definition> byName) {
    static final DhcpOptions NONE = new DhcpOptions(Map.of());

    /** Code of the pseudo option that carries the offered address. */
    static final int OFFERED_ADDRESS = 0;

    /** Longest value of one option (RFC 2132 §2). */
    private static final int LENGTH_LIMIT = 255;

    /** The client's whole options field (RFC 2131 §2) less message type and end. */
    private static final int TOTAL_LIMIT = 1024;

    /**
     * @param type of the southbound's DHCP_Options table
     */
    record Definition(int code, String type) {}

    /** One argument of an option in an action. */
    sealed interface Argument {
        record Number(Constant constant) implements Argument {}

        record Text(String text) implements Argument {}
    }

    Definition definition(String name) {
        return Optional.ofNullable(byName.get(name))
                .orElseThrow(
                        () ->
                                new OvnException(
                                        Category.UNSUPPORTED, "DHCP option \"" + name + "\""));
    }

    /**
     * Appends code, length and value.
     *
     * @throws OvnException SYNTAX for a value of another type, UNSUPPORTED for an option that is
     *     not an option on the wire, LIMIT
     */
    void encode(String name, List<Argument> values, ByteArrayOutputStream out) {
        Definition option = definition(name);
        // OVN's own: 253 sets "siaddr", 254 the file name for clients of the boot protocol.
        if (option.code() == 253 || option.code() == 254) {
            throw new OvnException(Category.UNSUPPORTED, "DHCP option \"" + name + "\"");
        }
        byte[] value =
                switch (option.type()) {
                    case "bool", "uint8" -> number(name, values, 1);
                    case "uint16" -> number(name, values, 2);
                    case "uint32" -> number(name, values, 4);
                    case "ipv4" -> addresses(name, values);
                    case "static_routes" -> routes(name, values);
                    case "str" -> text(name, values).getBytes(StandardCharsets.UTF_8);
                    case "host_id" -> host(name, values);
                    case "domains" -> domains(text(name, values));
                    default ->
                            throw new OvnException(
                                    Category.UNSUPPORTED, "DHCP option type " + option.type());
                };
        if (value.length > LENGTH_LIMIT || out.size() + 2 + value.length > TOTAL_LIMIT) {
            throw new OvnException(
                    Category.LIMIT, "DHCP option " + name + " of " + value.length + " bytes");
        }
        out.write(option.code());
        out.write(value.length);
        out.writeBytes(value);
    }

    private static byte[] number(String name, List<Argument> values, int bytes) {
        if (values.size() == 1
                && values.getFirst() instanceof Argument.Number(Constant constant)
                && !constant.masked()) {
            Bits value = constant.value();
            if (value.and(Bits.ones(8 * bytes)).equals(value)) {
                var out = new byte[bytes];
                for (int i = 0; i < bytes; i++) {
                    out[i] = (byte) (value.low() >>> 8 * (bytes - 1 - i));
                }
                return out;
            }
        }
        throw wrong(name, "one number of " + bytes + " bytes");
    }

    private static byte[] addresses(String name, List<Argument> values) {
        var out = new ByteArrayOutputStream();
        for (Argument value : values) {
            out.writeBytes(address(name, value));
        }
        return out.toByteArray();
    }

    private static byte[] address(String name, Argument value) {
        if (value instanceof Argument.Number(Constant constant)
                && constant.format() == Constant.Format.IPV4) {
            return four(constant.value().low());
        }
        throw wrong(name, "IPv4 addresses");
    }

    private static byte[] four(long value) {
        return new byte[] {
            (byte) (value >>> 24), (byte) (value >>> 16), (byte) (value >>> 8), (byte) value
        };
    }

    /** RFC 3442: prefix length, only the significant octets of the prefix, next hop. */
    private static byte[] routes(String name, List<Argument> values) {
        var out = new ByteArrayOutputStream();
        if (values.size() % 2 != 0) {
            throw wrong(name, "pairs of prefix and next hop");
        }
        for (int i = 0; i < values.size(); i += 2) {
            if (!(values.get(i) instanceof Argument.Number(Constant prefix))) {
                throw wrong(name, "pairs of prefix and next hop");
            }
            byte[] bytes = address(name, values.get(i));
            int length = prefix.prefixLength();
            out.write(length);
            out.write(bytes, 0, (length + 7) / 8);
            out.writeBytes(address(name, values.get(i + 1)));
        }
        return out.toByteArray();
    }

    private static String text(String name, List<Argument> values) {
        if (values.size() == 1 && values.getFirst() instanceof Argument.Text(String text)) {
            return text;
        }
        throw wrong(name, "one string");
    }

    private static byte[] host(String name, List<Argument> values) {
        if (values.size() == 1 && values.getFirst() instanceof Argument.Text(String text)) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        return addresses(name, values);
    }

    /** RFC 3397 §2, without the compression it allows. */
    private static byte[] domains(String list) {
        var out = new ByteArrayOutputStream();
        for (String domain : list.split(",", -1)) {
            for (String label : domain.strip().split("\\.", -1)) {
                byte[] bytes = label.getBytes(StandardCharsets.UTF_8);
                if (bytes.length == 0 || bytes.length > 63) {
                    throw new OvnException(Category.SYNTAX, "not a domain name: " + domain);
                }
                out.write(bytes.length);
                out.writeBytes(bytes);
            }
            out.write(0);
        }
        return out.toByteArray();
    }

    private static OvnException wrong(String name, String wanted) {
        return new OvnException(Category.SYNTAX, "DHCP option " + name + " takes " + wanted);
    }
}
