package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxCount bounds counts, so that sums of them never overflow.
const maxCount = 1_000_000_000

var (
	digits  = regexp.MustCompile(`^[0-9]+$`)
	numeric = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

// whole parses a number without a unit, from least to most, catching what YAML reads as another number.
func whole(s, what string, least, most uint64) (uint64, *flaw) {
	limits := fmt.Sprintf("a whole number from %d to %d", least, most)
	if most >= maxCount {
		limits = fmt.Sprintf("a whole number, at least %d", least)
	}
	if !digits.MatchString(s) {
		return 0, notWhole(s, what, limits)
	}
	if len(s) > 1 && s[0] == '0' {
		short := strings.TrimLeft(s, "0")
		if octal, err := strconv.ParseUint(s, 8, 64); err == nil && octal > 7 {
			return 0, &flaw{fmt.Sprintf("%s is octal in YAML 1.1 and means %d", s, octal), "write " + short}
		}
		return 0, &flaw{s + " begins with a zero", "write " + cmpOr(short, "0")}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > most || n < least {
		return 0, &flaw{fmt.Sprintf("%s is out of range for %s", s, what), "write " + limits}
	}
	return n, nil
}

// notWhole says what to write instead of a text that is no plain whole number.
func notWhole(s, what, limits string) *flaw {
	msg := fmt.Sprintf("expected %s, got %s", what, quote(s))
	plain := strings.ReplaceAll(s, "_", "")
	if n, err := strconv.ParseUint(plain, 0, 63); err == nil { // 1_000, 0x1F, 0o17, 0b1
		return &flaw{msg, "write " + strconv.FormatUint(n, 10)}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f == float64(uint64(f)) && f < maxCount { // 3.0, 1e3
		return &flaw{msg, "write " + strconv.FormatUint(uint64(f), 10)}
	}
	if first, _, ok := strings.Cut(s, " "); ok && digits.MatchString(first) { // 3 calls
		return &flaw{msg, "write " + first}
	}
	return &flaw{msg, "write " + limits}
}

// count is the codec of a number of things, from least on.
func count(least int) *codec[int] {
	return scalars(Type{Name: "count", Example: "3"}, func(s string) (int, *flaw) {
		n, f := whole(s, "a count", uint64(least), maxCount)
		return int(n), f
	}, strconv.Itoa)
}

// seed is the codec of a seed: any unsigned number of 64 bits.
var seed = scalars(Type{Name: "count", Example: "7"}, func(s string) (uint64, *flaw) {
	return whole(s, "a seed", 0, 1<<64-1)
}, func(n uint64) string { return strconv.FormatUint(n, 10) })

// status is the codec of an HTTP status.
var status = scalars(Type{Name: "status", Example: "503"}, parseStatus, strconv.Itoa)

func parseStatus(s string) (int, *flaw) {
	if len(s) == 3 && strings.HasSuffix(strings.ToLower(s), "xx") {
		return 0, &flaw{quote(s) + " is a class of statuses, not a status", "write one, such as " + s[:1] + "00"}
	}
	n, f := whole(s, "a status", 100, 599)
	return int(n), f
}

// amount splits a number from the word or unit behind it: "1.5 open_time" into 1.5 and open_time.
func amount(s string) (float64, string, bool) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	if !numeric.MatchString(s[:i]) {
		return 0, "", false
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	return n, strings.TrimSpace(s[i:]), err == nil
}

// number prints a number in its shortest form without an exponent.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// share is the codec of a share: 10%.
var share = scalars(Type{Name: "share", Example: "10%"}, parseShare, showShare)

func parseShare(s string) (Share, *flaw) {
	n, unit, ok := amount(s)
	switch {
	case ok && unit == "%" && n > 100:
		return 0, &flaw{quote(s) + " is more than all", "write a share from 0% to 100%"}
	case ok && unit == "%":
		return Share(n / 100), nil
	case ok && unit == "" && n <= 1:
		return 0, &flaw{quote(s) + " has no unit", "write " + showShare(Share(n))}
	case ok && unit == "":
		return 0, &flaw{quote(s) + " has no unit", "write " + number(n) + "%"}
	}
	return 0, &flaw{"expected a share, got " + quote(s), "write a share from 0% to 100%"}
}

// showShare prints a share so that it reads back as the same one.
func showShare(s Share) string {
	for precision := 0; precision < 17; precision++ {
		percent := strconv.FormatFloat(float64(s)*100, 'f', precision, 64)
		if n, err := strconv.ParseFloat(percent, 64); err == nil && Share(n/100) == s {
			return percent + "%"
		}
	}
	return number(float64(s)*100) + "%"
}

// factor is the codec of a factor: 1.3x.
var factor = scalars(Type{Name: "factor", Example: "1.3x"}, func(s string) (float64, *flaw) {
	n, unit, ok := amount(s)
	switch {
	case ok && unit == "x" && n < 1e9:
		return n, nil
	case ok && unit == "":
		return 0, &flaw{quote(s) + " has no unit", "write " + number(n) + "x"}
	case ok && unit == "%":
		return 0, &flaw{"expected a factor, got " + quote(s), "write " + number(n/100) + "x"}
	}
	return 0, &flaw{"expected a factor, got " + quote(s), "write a factor such as 1.3x"}
}, func(f float64) string { return number(f) + "x" })

func cmpOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
