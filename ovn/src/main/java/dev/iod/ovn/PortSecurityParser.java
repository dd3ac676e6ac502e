package dev.iod.ovn;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Reads Port_Binding.port_security: {@code "MAC [IP[/PREFIX]]..."} (ovn-nb(5)). */
final class PortSecurityParser {
    private PortSecurityParser() {}

    /** Empty when nothing is restricted. */
    static Optional<PortSecurity> parse(Collection<String> entries) {
        if (entries.isEmpty()) {
            return Optional.empty();
        }
        var allowed = new ArrayList<PortSecurity.Allowed>();
        for (String entry : entries) {
            String[] words = entry.strip().split("[\\s,]+");
            var ip4 = new ArrayList<Masked>();
            var ip6 = new ArrayList<Masked>();
            for (int i = 1; i < words.length; i++) {
                address(words[i], ip4, ip6);
            }
            allowed.add(
                    new PortSecurity.Allowed(
                            Constant.ethernet(words[0]), List.copyOf(ip4), List.copyOf(ip6)));
        }
        return Optional.of(new PortSecurity(List.copyOf(allowed)));
    }

    private static void address(String word, List<Masked> ip4, List<Masked> ip6) {
        int slash = word.indexOf('/');
        Constant address = Constant.parse(slash < 0 ? word : word.substring(0, slash));
        if (address.format() != Constant.Format.IPV4 && address.format() != Constant.Format.IPV6) {
            throw new OvnException(OvnException.Category.SYNTAX, "not an IP address: " + word);
        }
        int width = address.format().width;
        Bits mask = Bits.ones(width);
        if (slash >= 0) {
            // Bits beyond the prefix stay: the engine tells "host on a network" from "network".
            mask = address.withMask(Constant.parse(word.substring(slash + 1))).mask();
        }
        (address.format() == Constant.Format.IPV4 ? ip4 : ip6)
                .add(new Masked(address.value(), mask));
    }
}
