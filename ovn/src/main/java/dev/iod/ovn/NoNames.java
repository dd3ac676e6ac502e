package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import java.util.OptionalLong;

/** The scope of expressions that name no port and no set. */
enum NoNames implements Scope {
    SCOPE;

    @Override
    public OptionalLong port(String name) {
        throw none(name);
    }

    @Override
    public DhcpOptions dhcp() {
        throw none("DHCP options");
    }

    @Override
    public boolean resident(String port) {
        throw none(port);
    }

    @Override
    public String portGroup(String name) {
        throw none(name);
    }

    @Override
    public String addressSet(String name, int width) {
        throw none(name);
    }

    private static OvnException none(String name) {
        return new OvnException(Category.SYNTAX, "names are not known here: " + name);
    }
}
