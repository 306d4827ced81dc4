package scenarios

import (
	"fmt"
	"strings"
)

// maxSize bounds sizes.
const maxSize = 1 << 30

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// size is the codec of a number of bytes: 512B, 64KiB, 1MiB.
var size = scalars(Type{Name: "size", Example: "64KiB"}, parseSize, showSize)

func parseSize(s string) (int64, *flaw) {
	n, unit, ok := amount(s)
	if !ok {
		return 0, &flaw{"expected a size, got " + quote(s), "write a number and one of B KiB MiB, such as 64KiB"}
	}
	for _, u := range sizeUnits {
		if unit != u.name {
			continue
		}
		total := n * float64(u.bytes)
		switch {
		case total > maxSize:
			return 0, &flaw{quote(s) + " is too large", "write at most " + showSize(maxSize)}
		case total != float64(int64(total)):
			return 0, &flaw{quote(s) + " is no whole number of bytes", "write " + showSize(int64(total))}
		case strings.Contains(s, " "):
			return 0, &flaw{"expected a size, got " + quote(s), "write " + number(n) + unit}
		}
		return int64(total), nil
	}
	wrong := fmt.Sprintf("%s has no unit", quote(s))
	if unit != "" {
		wrong = "expected a size, got " + quote(s)
	}
	return 0, &flaw{wrong, "write " + number(n) + binaryUnit(unit) + orUnits(unit)}
}

// binaryUnit is the unit of the grammar that is nearest to what was written.
func binaryUnit(unit string) string {
	switch strings.ToLower(unit) {
	case "k", "kb", "kib":
		return "KiB"
	case "m", "mb", "mib":
		return "MiB"
	}
	return "B"
}

func orUnits(unit string) string {
	if binaryUnit(unit) == "B" && !strings.HasPrefix(strings.ToLower(unit), "b") {
		return ", or another of B KiB MiB"
	}
	return ""
}

func showSize(n int64) string {
	for _, u := range sizeUnits {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprint(n/u.bytes) + u.name
		}
	}
	return fmt.Sprint(n) + "B"
}
