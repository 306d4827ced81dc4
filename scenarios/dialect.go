package scenarios

import "slices"

// Dialect is the way in which one vendor, or one draft, writes of quotas: a row of the table of dialects. What its fields look
// like on the wire stands with who writes them.
type Dialect struct {
	Name   string
	Status int      // of a refusal, where the limit does not say another; 0 for none
	Tells  []string // what a scripted quota can say in it: limit, remaining, reset, policy
}

// declaredDialect takes the profile's dialect.
const declaredDialect = "declared"

var (
	tellsAll     = []string{"limit", "remaining", "reset", "policy"}
	tellsNothing []string
)

var dialectTable = []Dialect{
	{"none", 429, tellsNothing},
	{"ietf", 429, tellsAll},
	{"ietf-07", 429, tellsAll},
	{"ietf-06", 429, tellsAll},
	{"github", 403, tellsAll},
	{"discord", 429, tellsAll},
	{"stripe", 429, []string{"policy"}},
	{"openai", 429, tellsAll},
	{"anthropic", 429, tellsAll},
	{"slack", 429, tellsNothing},
	{"shopify", 429, []string{"limit", "remaining"}},
	{"twilio", 429, tellsNothing},
	{"aws", 503, tellsNothing},
	{"azure", 429, []string{"remaining", "policy"}},
	{"x-ratelimit", 429, []string{"limit", "remaining", "reset"}},
}

// Dialects returns the table of dialects, in the order of the grammar. The slice is the caller's.
func Dialects() []Dialect { return slices.Clone(dialectTable) }

// DialectNamed returns the row of a dialect.
func DialectNamed(name string) (Dialect, bool) {
	for _, d := range dialectTable {
		if d.Name == name {
			return d, true
		}
	}
	return Dialect{}, false
}

// dialects are the names of the dialects.
var dialects = func() []string {
	names := make([]string, len(dialectTable))
	for i, d := range dialectTable {
		names[i] = d.Name
	}
	return names
}()

// dialect is the codec of a dialect's name, or of the profile's.
var dialect = word(append(slices.Clone(dialects), declaredDialect)...)

// DialectOf returns the dialect that a name in the file stands for: itself, or the profile's.
func (s *Scenario) DialectOf(name string) string {
	switch {
	case name == declaredDialect && s.Profile.QuotaDialect != "":
		return s.Profile.QuotaDialect
	case name == declaredDialect, name == "":
		return "none"
	}
	return name
}

// TellsQuotas reports whether answers in a dialect say how much of a quota is left.
func TellsQuotas(dialect string) bool {
	d, _ := DialectNamed(dialect)
	return slices.Contains(d.Tells, "remaining")
}
