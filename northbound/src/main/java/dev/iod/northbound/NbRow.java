package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import java.util.Map;
import java.util.TreeMap;

/**
 * A row the northbound database shall have.
 *
 * @param key names the row within its table for as long as it lives; kept in {@code external_ids}
 * @param parentKey key of the row it hangs on; empty for rows of root tables
 * @param columns every column that is ours; the others are OVN's or keep their defaults
 */
record NbRow(NbTable table, String key, String parentKey, Map<String, NbValue> columns) {
    /** Which control plane made a row; rows without our value are somebody else's. */
    static final String OWNER_ID = "iod:owner";

    static final String KEY_ID = "iod:key";

    /** The {@link IntentUnit} a row is part of. */
    static final String UNIT_ID = "iod:unit";

    NbRow {
        columns = Map.copyOf(columns);
        if (table.parent().isPresent() == parentKey.isEmpty()) {
            throw new IllegalArgumentException("parent of " + table + " " + key);
        }
    }

    /** Collects the columns of one row. */
    static final class Builder {
        private final NbTable table;
        private final String key;
        private final Map<String, NbValue> columns = new TreeMap<>();
        private final Map<String, String> externalIds = new TreeMap<>();
        private String parentKey = "";

        Builder(NbTable table, String key, String owner, IntentUnit unit) {
            this.table = table;
            this.key = key;
            externalIds.put(OWNER_ID, owner);
            externalIds.put(KEY_ID, key);
            externalIds.put(UNIT_ID, unit.toString());
        }

        Builder parent(String parent) {
            parentKey = parent;
            return this;
        }

        Builder set(String column, NbValue value) {
            columns.put(column, value);
            return this;
        }

        Builder set(String column, String value) {
            return set(column, new NbValue.Text(value));
        }

        Builder externalId(String name, String value) {
            externalIds.put(name, value);
            return this;
        }

        NbRow build() {
            set("external_ids", NbValue.pairs(externalIds));
            return new NbRow(table, key, parentKey, columns);
        }
    }
}
