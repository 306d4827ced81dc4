package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"brownout/scenarios"
	"brownout/suites/report"
)

// lists are what list can list.
var lists = []string{"scenarios", "checks"}

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list [scenarios|checks]",
		Short: "List the built-in scenarios and the checks",
		Example: `  brownout list
  brownout list checks
  brownout explain retry/two-503s`,
		Annotations: map[string]string{codesKey: "0 2"},
		ValidArgs:   lists,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usage("write brownout list checks", "one list is wanted, got %d words", len(args))
			case len(args) == 1 && args[0] != "scenarios" && args[0] != "checks":
				hint := "the lists are scenarios and checks"
				if near := scenarios.Suggest(args[0], lists); near != "" {
					hint = "did you mean " + near + "?"
				}
				return usage(hint, "there is no list %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			s := styleOf(cmd, out)
			all := len(args) == 0
			if all || args[0] == "scenarios" {
				if err := listScenarios(out, s); err != nil {
					return err
				}
			}
			if all || args[0] == "checks" {
				if all {
					if _, err := fmt.Fprintln(out); err != nil {
						return written(err)
					}
				}
				return listChecks(out, s)
			}
			return nil
		},
	}
}

func listScenarios(w io.Writer, s report.Style) error {
	rows := [][]string{{"scenario", "what it plays"}}
	for _, name := range scenarios.BuiltinNames() {
		sc, err := scenarios.Builtin(name)
		if err != nil {
			return &failure{code: exitCouldNotRun, err: err}
		}
		about := sc.Summary
		if about == "" {
			about = sc.Name
		}
		rows = append(rows, []string{name, about})
	}
	return written(report.Grid(w, "", rows, s))
}

func listChecks(w io.Writer, s report.Style) error {
	rows := [][]string{{"check", "passes when"}}
	for _, c := range scenarios.Checks() {
		if !c.Unbuilt {
			rows = append(rows, []string{c.Name, c.Doc})
		}
	}
	return written(report.Grid(w, "", rows, s))
}
