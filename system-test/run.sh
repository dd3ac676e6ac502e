# Sourced by ./iod: run_tests [--full] builds, runs every test and ends with one line that counts them.

test_usage() {
    cat <<'USAGE'
usage: ./iod test [--full]

Installs what the tests need, builds, checks the format, runs unit and system tests. A test that
cannot run on this machine says why; with CI=true that is a failure. --full also runs the long
versions of the random tests. Results: */target/surefire-reports, the whole log: target/test.log.
USAGE
}

# One line for each report of a test class: module, class, seconds, tests, failed, skipped. A class that
# runs a second time with its memory accesses checked has a report of its own, CLASS-checked.
reports() {
    find ./*/target/surefire-reports -name 'TEST-*.xml' 2>/dev/null | while IFS= read -r file; do
        module=${file#./}
        class=${file##*/TEST-}
        grep -m 1 '<testsuite ' "$file" | awk -v module="${module%%/*}" -v class="${class%.xml}" '{
            for (i = 1; i <= NF; i++) {
                if (split($i, pair, "\"") > 1) value[pair[1]] = pair[2]
            }
            gsub(",", "", value["time="])
            print module, class, value["time="], value["tests="], value["failures="] + value["errors="], value["skipped="]
        }'
    done
}

count_tests() {
    reports | awk '{ tests += $4; failed += $5; skipped += $6 }
        END { printf "%d passed, %d failed, %d skipped\n", tests - failed - skipped, failed, skipped }'
}

# Where the time went: modules by their sum, in each its test classes, the longest first.
time_table() {
    echo "   seconds  tests  module, test class"
    reports | awk '
        { sum[$1] += $3; tests[$1] += $4; class[NR] = $2; of[NR] = $1; took[NR] = $3; ran[NR] = $4 }
        END {
            for (m in sum) print sum[m], m, 1, sum[m], tests[m], m
            for (i = 1; i <= NR; i++) print sum[of[i]], of[i], 0, took[i], ran[i], "  " class[i]
        }' | sort -k1,1nr -k2,2 -k3,3nr -k4,4nr |
        awk '{ printf "%10.1f %6d  %s%s\n", $4, $5, $3 ? "" : "  ", $6 }'
}

# Names every failed test, with its message and first stack lines, in at most 60 lines: of a run by CI
# only the end of the output is seen.
name_failures() {
    failed=$(cat ./*/target/surefire-reports/*.txt 2>/dev/null | grep -c '^[^ ]* -- .*<<< [EF]') || return 0
    each=$((58 / failed))
    echo "iod: $failed failed:"
    cat ./*/target/surefire-reports/*.txt | awk -v each=$((each > 20 ? 20 : each > 1 ? each : 1)) '
        /^[^ ]* -- .*<<< [EF]/ { lines = 1; said = 0; framed = 0; print substr($0, 1, 200); next }
        /^(Tests run:|Test set:|---)/ { lines = each }
        lines >= each || $0 == "" { next }
        /^\tat / {
            # Where it was thrown, and then where the project called.
            if (framed++ == 0 || /\tat (app\/\/)?(dev\.iod[^\/]*\/)?dev\.iod\./) { lines++; print substr($0, 1, 200) }
            next
        }
        /^Caused by:/ { framed = 0; said = 0 }
        said++ < (each < 15 ? 5 : 12) { lines++; print "    " substr($0, 1, 200) }' | head -n 58
}

run_tests() {
    full=false
    case "${1:-}" in
        '') ;;
        --full) full=true ;;
        -h | --help)
            test_usage
            return 0
            ;;
        *)
            test_usage >&2
            return 2
            ;;
    esac
    mkdir -p target
    # shellcheck disable=SC2046
    install_packages maven $(sed 's/#.*//' cli/packages system-test/packages)
    guest/build target/iod-micro
    find ./*/target/surefire-reports -type f -delete 2>/dev/null || true
    echo "iod: running tests; the whole log is target/test.log"
    result=0
    : >target/test.log # before tail looks for it
    rm -f target/built
    touch target/building
    started=$(date +%s)
    # One run of Maven makes the jars and tests; ./iod, which tests call, is told so.
    IOD_MAVEN=running mvn --fail-at-end -Diod.full="$full" spotless:check verify >>target/test.log 2>&1 &
    maven=$!
    tail -n +1 -f --pid=$maven target/test.log | grep --line-buffered -E 'Tests run:.*(Time|FAIL)|ERROR|not run:' || true
    wait $maven || result=$?
    [ "$result" != 0 ] || mv target/building target/built
    time_table
    echo "iod: tests took $((($(date +%s) - started) / 60)) minutes"
    counted=$(count_tests)
    case "$counted" in
        '0 passed'*) result=1 ;;
    esac
    skipped=${counted##*failed, }
    if [ "${CI:-}" = true ] && [ "${skipped%% *}" != 0 ]; then
        echo "iod: tests were skipped, which CI does not accept" >&2
        result=1
    fi
    [ "$result" = 0 ] || {
        echo "iod: failed; see target/test.log" >&2
        name_failures
    }
    echo "$counted"
    return $result
}
