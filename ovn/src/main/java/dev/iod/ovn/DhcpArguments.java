package dev.iod.ovn;

import dev.iod.ovn.Lexer.Kind;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Field.Slice;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** The arguments of put_dhcp_opts (ovn-sb(5), Logical_Flow, "actions"). */
final class DhcpArguments {
    private DhcpArguments() {}

    /** {@code offerip = ADDRESS, option = value, …} up to the closing parenthesis. */
    static Action reply(Tokens in, DhcpOptions dhcp, Slice result) {
        var options = new ByteArrayOutputStream();
        int offered = 0;
        boolean found = false;
        while (!in.at(")")) {
            String name = in.expect(Kind.NAME, "a DHCP option");
            in.expect("=");
            List<DhcpOptions.Argument> values = values(in);
            if (dhcp.definition(name).code() == DhcpOptions.OFFERED_ADDRESS) {
                if (values.size() == 1
                        && values.getFirst()
                                instanceof DhcpOptions.Argument.Number(Constant address)) {
                    offered = (int) address.value().low();
                    found = true;
                }
            } else {
                dhcp.encode(name, values, options);
            }
            if (!in.at(")")) {
                in.expect(",");
            }
        }
        if (!found) {
            throw in.syntax("put_dhcp_opts needs offerip");
        }
        return new Action.DhcpReply(offered, options.toByteArray(), result);
    }

    private static List<DhcpOptions.Argument> values(Tokens in) {
        var values = new ArrayList<DhcpOptions.Argument>();
        if (in.take("{")) {
            while (!in.take("}")) {
                values.add(value(in));
                in.take(",");
            }
        } else {
            values.add(value(in));
        }
        return values;
    }

    private static DhcpOptions.Argument value(Tokens in) {
        if (in.peek().kind() == Kind.TEXT) {
            return new DhcpOptions.Argument.Text(in.next().text());
        }
        Constant constant = Constant.parse(in.expect(Kind.NUMBER, "a value"));
        if (in.take("/")) {
            constant = constant.withMask(Constant.parse(in.expect(Kind.NUMBER, "a mask")));
        }
        return new DhcpOptions.Argument.Number(constant);
    }
}
