# Sourced by ./iod: run_tests [--full] builds, runs every test and ends with one line that counts them.

test_usage() {
    cat <<'USAGE'
usage: ./iod test [--full]

Installs what the tests need, builds, checks the format, runs unit and system tests. A test that
cannot run on this machine says why; with CI=true that is a failure. --full also runs the long
versions of the random tests. Results: */target/surefire-reports, the whole log: target/test.log.
USAGE
}

# Adds up the attributes of every test suite's report.
count_tests() {
    find ./*/target/surefire-reports -name 'TEST-*.xml' -exec grep -h -m1 '<testsuite ' {} + 2>/dev/null |
        awk '{
            for (i = 1; i <= NF; i++) {
                if (split($i, pair, "\"") > 1) {
                    if (pair[1] == "tests=") tests += pair[2]
                    if (pair[1] == "failures=" || pair[1] == "errors=") failed += pair[2]
                    if (pair[1] == "skipped=") skipped += pair[2]
                }
            }
        }
        END { printf "%d passed, %d failed, %d skipped\n", tests - failed - skipped, failed, skipped }'
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
        *)
            test_usage
            return 0
            ;;
    esac
    mkdir -p target
    # shellcheck disable=SC2046
    install_packages maven $(sed 's/#.*//' cli/packages system-test/packages)
    build --force
    image/build target/iod-micro
    find ./*/target/surefire-reports -type f -delete 2>/dev/null || true
    echo "iod: running tests; the whole log is target/test.log"
    result=0
    : >target/test.log # before tail looks for it
    mvn --fail-at-end -Diod.full="$full" spotless:check verify >>target/test.log 2>&1 &
    maven=$!
    tail -n +1 -f --pid=$maven target/test.log | grep --line-buffered -E 'Tests run:.*(Time|FAIL)|ERROR|not run:' || true
    wait $maven || result=$?
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
