package scenarios

import "slices"

// Dialect is the way in which one vendor, or one draft, writes of quotas: a row of the table of dialects. What its fields look
// like on the wire stands with who writes them.
type Dialect struct {
	Name   string
	Status int      // of a refusal, where the limit does not say another; 0 for none
	Tells  []string // what a scripted quota can say in it: limit, remaining, reset, policy
	Names  bool     // the policy only names the quota in its other fields, and is nothing by itself
}

// declaredDialect takes the profile's dialect.
const declaredDialect = "declared"

var tellsAll = []string{"limit", "remaining", "reset", "policy"}

var dialectTable = []Dialect{
	{Name: "none", Status: 429},
	{Name: "ietf", Status: 429, Tells: tellsAll, Names: true},
	{Name: "ietf-07", Status: 429, Tells: tellsAll},
	{Name: "ietf-06", Status: 429, Tells: tellsAll},
	{Name: "github", Status: 403, Tells: tellsAll},
	{Name: "discord", Status: 429, Tells: tellsAll},
	{Name: "stripe", Status: 429, Tells: []string{"policy"}},
	{Name: "openai", Status: 429, Tells: tellsAll, Names: true},
	{Name: "anthropic", Status: 429, Tells: tellsAll, Names: true},
	{Name: "slack", Status: 429},
	{Name: "shopify", Status: 429, Tells: []string{"limit", "remaining"}},
	{Name: "twilio", Status: 429},
	{Name: "aws", Status: 503},
	{Name: "azure", Status: 429, Tells: []string{"remaining", "policy"}, Names: true},
	{Name: "x-ratelimit", Status: 429, Tells: []string{"limit", "remaining", "reset"}},
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
