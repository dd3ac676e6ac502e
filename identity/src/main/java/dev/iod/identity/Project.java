package dev.iod.identity;

/** A project: the owner of resources. */
record Project(String id, String name, String description, boolean enabled) {}
