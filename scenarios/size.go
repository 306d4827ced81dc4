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
			return 0, &flaw{quote(s) + " is no whole number of bytes", ""}
		case strings.Contains(s, " "):
			return 0, &flaw{"expected a size, got " + quote(s), "write " + number(n) + unit}
		}
		return int64(total), nil
	}
	if unit == "" {
		return 0, &flaw{quote(s) + " has no unit", "write " + s + "B, or another of B KiB MiB"}
	}
	hint := "write a size in B, KiB or MiB"
	if near := spokenSize[strings.ToLower(unit)]; near != "" {
		hint = "write " + number(n) + near
	}
	return 0, &flaw{"expected a size, got " + quote(s), hint}
}

// spokenSize is what is meant by units that the grammar does not have.
var spokenSize = map[string]string{
	"k": "KiB", "kb": "KiB", "kib": "KiB", "m": "MiB", "mb": "MiB", "mib": "MiB", "b": "B", "byte": "B", "bytes": "B",
}

func showSize(n int64) string {
	for _, u := range sizeUnits {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprint(n/u.bytes) + u.name
		}
	}
	return fmt.Sprint(n) + "B"
}
