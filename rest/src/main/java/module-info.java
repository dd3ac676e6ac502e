/**
 * What all HTTP services share: listener, routes, requests and their schemas, answers and their
 * views, errors in each service's own words. Knows no service and no database; uses no module of
 * ours.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.rest {
    requires static transitive org.jspecify;
    requires transitive tools.jackson.databind;

    exports dev.iod.rest;
}
