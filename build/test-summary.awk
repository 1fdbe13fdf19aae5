# Sums xUnit's XML results: names every failed test once more, with the first lines of its message, gives the reasons for
# skipping with their counts, and ends with the line "N passed, N failed, N skipped". -v broken=N adds test programs that
# gave no result.
# Exit code 1 when anything failed or nothing ran.
BEGIN { RS = "<" }

function attribute(name,    text) {
    if (!match($0, "[ \t]" name "=\"[^\"]*\"")) return ""
    text = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&amp;/, "\\&", text)
    return text
}

/^assembly / {
    passed += attribute("passed")
    skipped += attribute("skipped")
    # Errors are failures outside a test: a fixture that could not be disposed, a class that could not be made.
    failed += attribute("failed") + attribute("errors")
}

/^test / && attribute("result") == "Fail" { names[++nameCount] = attribute("name") }

# <message><![CDATA[text]]></message> of a failed test
/^message>/ { inMessage = 1; next }
inMessage && /^!\[CDATA\[/ {
    text = substr($0, 9)
    sub(/\]\]>.*/, "", text)
    if (!(nameCount in messages)) messages[nameCount] = text
}
{ inMessage = 0 }

# <reason><![CDATA[text]]></reason>
/^reason>/ { inReason = 1; next }
inReason && /^!\[CDATA\[/ {
    text = substr($0, 9)
    sub(/\]\]>.*/, "", text)
    if (!(text in reasons)) order[++reasonCount] = text
    reasons[text]++
}
{ inReason = 0 }

END {
    failed += broken
    if (nameCount) print "Failed:"
    for (i = 1; i <= nameCount; i++) {
        print "  " names[i]
        lineCount = split(messages[i], lines, "\n")
        for (j = 1; j <= lineCount && j <= 5; j++) print "    " substr(lines[j], 1, 300)
    }
    if (reasonCount) print "Skipped:"
    for (i = 1; i <= reasonCount; i++) print "  " reasons[order[i]] " x " order[i]
    if (passed + failed == 0) print "No test ran."
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit(failed > 0 || passed + failed == 0)
}
