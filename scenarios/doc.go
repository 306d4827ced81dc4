// Package scenarios is the grammar of scenario files, and the way from a file to a typed, checked scenario with positions.
// It runs nothing.
//
// A scenario is one YAML file that says what an upstream does (routes, faults), what a client is asked to do (drive), and
// what it must show (expect):
//
//	name: two 503s, then fine
//	routes:
//	  - match: GET /items/:id
//	    answers: [{status: 503, times: 2}, {status: 200}]
//	expect:
//	  - succeeds: all
//	  - attempts: {per_call: 3}
//
// [Load], [Parse] and [Builtin] read one. What they return is checked: units and ranges hold, every name is defined, no two
// keys exclude each other, and whoever uses a [Scenario] need not look again. It carries the place ([Pos]) of whatever a
// report may point at, and the file's text. What a file says that can be played but cannot be meant, such as a fault that
// can never strike, is in [Scenario.Warnings].
//
// # Errors
//
// A file is read to its end and every problem reported, as [Errors]: each with line and columns, the path of the value
// (routes[0].answers[1].delay), what was got and what to write instead. [Errors.Draw] shows them with their source lines.
// A file that is no YAML at all is searched for what people get wrong, since the parser's own errors name the wrong line.
//
// Files are bounded: [MaxFile] bytes, 100,000 values that aliases may add, JSON 64 levels deep, 200 problems.
//
// # The grammar
//
// The grammar is one table of rows: [Keys] for the keys, [Checks] for the checks of expect with their parameters. A row says
// how a key is written, where it stands, its default and what it means, and it holds the functions that read and print it,
// so that documentation and behaviour cannot differ. What the grammar has and this version does not play is in the table
// too, marked Unbuilt, so that it is told apart from a mistake.
//
// To add a key: a field in the model, and a row in the place that has it. To add a check: a parameter type in checks.go
// and a row in checktable.go; what it judges lies in suites/verdict, keyed by the type.
//
// # Profiles
//
// A value may be written in a unit of the client's profile, such as "1.5 attempt_timeout", and a check may take a declared
// value. Both are resolved at load, with the file's own profile and [WithProfile] over it. What nothing declares is named in
// [Scenario.Undeclared]: such a scenario is skipped, and its durations in those units are placeholders.
package scenarios
