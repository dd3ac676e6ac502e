# Flattens a JSON text: one line PATH VALUE per leaf, as in "networks.0.link tap1".
{ text = text $0 }
END { at = 1; value("") }

function space() {
    while (at <= length(text) && index(" \t\r", substr(text, at, 1))) at++
}

function string(    out, c) {
    for (at++; at <= length(text); at++) {
        c = substr(text, at, 1)
        if (c == "\"") { at++; return out }
        if (c == "\\") { at++; c = substr(text, at, 1) }
        out = out c
    }
    return out
}

function value(path,    c, key, n, from) {
    space()
    c = substr(text, at, 1)
    if (c == "{" || c == "[") {
        n = 0
        for (at++; at <= length(text); ) {
            space()
            if (substr(text, at, 1) == (c == "{" ? "}" : "]")) { at++; return }
            if (substr(text, at, 1) == ",") { at++; space() }
            key = n++
            if (c == "{") { key = string(); space(); at++ }
            value(path == "" ? key : path "." key)
        }
    } else if (c == "\"") {
        print path, string()
    } else {
        from = at
        while (at <= length(text) && !index(",}] \t\r", substr(text, at, 1))) at++
        print path, substr(text, from, at - from)
    }
}
