package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"brownout/chaosserver/plan"
	"brownout/scenarios"
	"brownout/suites/report"
	"brownout/suites/verdict"
)

func newExplain() *cobra.Command {
	var seed string
	cmd := &cobra.Command{
		Use:   "explain FILE|NAME|CHECK",
		Short: "Say what a scenario will do to each attempt, or what a check demands",
		Long:  "Say what a scenario will do to each attempt, or what a check demands, why, who says so, and how to meet it.",
		Example: `  brownout explain payments.brownout.yaml
  brownout explain retry/two-503s
  brownout explain honours_retry_after`,
		Annotations: map[string]string{codesKey: "0 2 3"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("write brownout explain FILE", "one file, scenario or check is wanted, got %s", count(len(args), "word"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return explain(cmd, args[0], seed) },
	}
	cmd.Flags().StringVar(&seed, "seed", "", "seed of the scenario's chance: a number, or random")
	return cmd
}

func explain(cmd *cobra.Command, word, seed string) error {
	out := cmd.OutOrStdout()
	if c, ok := scenarios.CheckNamed(word); ok && !isFile(word) {
		return written(report.CheckPage(out, checkPage(c), styleOf(cmd, out)))
	}
	if _, err := os.Stat(word); err != nil && !slices.Contains(scenarios.BuiltinNames(), word) {
		return noSuchSubject(word)
	}
	sources, err := loadAll([]string{word})
	if err != nil {
		return err
	}
	if invalid(sources) {
		if err := drawProblems(cmd.ErrOrStderr(), sources, styleOf(cmd, cmd.ErrOrStderr())); err != nil {
			return err
		}
		return exit(exitInvalid)
	}
	if err := reseed(sources, seed); err != nil {
		return err
	}
	for i := range sources {
		e := plan.Explain(sources[i].scenario)
		if err := report.Explain(out, &e, styleOf(cmd, out)); err != nil {
			return written(err)
		}
	}
	return nil
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// noSuchSubject is the mistake of a word that explain knows nothing about.
func noSuchSubject(word string) error {
	known := slices.Concat(scenarios.BuiltinNames(), checkNames(), nearbyFiles(word))
	hint := "brownout list names the built-in scenarios and the checks"
	if near := nearest(word, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return usage(hint, "%s is neither a file nor a built-in scenario nor a check", report.Quote(word))
}

// checkNames returns the names of the checks that can be judged.
func checkNames() []string {
	var names []string
	for _, c := range scenarios.Checks() {
		if !c.Unbuilt {
			names = append(names, c.Name)
		}
	}
	return names
}

// checkPage gathers what there is to say about a check.
func checkPage(c scenarios.Check) *report.CheckInfo {
	info := &report.CheckInfo{Check: c}
	for _, id := range c.Rules {
		if r, ok := scenarios.RuleNamed(id); ok {
			info.Rules = append(info.Rules, r)
		}
	}
	for _, j := range verdict.Checks() {
		if params := c.New(); params != nil && sameType(j.Params, params) {
			info.Why = j.Why
		}
	}
	for _, name := range scenarios.BuiltinNames() {
		s, err := scenarios.Builtin(name)
		if err == nil && slices.ContainsFunc(s.Expect, func(e scenarios.Expectation) bool { return e.Name == c.Name }) {
			info.Scenarios = append(info.Scenarios, name)
		}
	}
	return info
}
