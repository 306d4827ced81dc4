package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"brownout/suites/report"
)

func newValidate() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check scenario files, and show every problem with its place",
		Long: "Check scenario files, and show every problem with its place. Nothing is started. A FILE may be a folder, whose\n" +
			folderPattern + " are taken, or DIR/... for those below it too.",
		Example: `  brownout validate payments.brownout.yaml
  brownout validate ./...
  brownout validate --format json payments.brownout.yaml`,
		Annotations: map[string]string{codesKey: "0 2 3"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("write brownout validate FILE", "no file was given")
			}
			if err := checkFormat(format); err != nil {
				return err
			}
			return validate(cmd, args, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, or json for one object on stdout")
	return cmd
}

// formats are the values of --format.
func checkFormat(format string) error {
	if format == "text" || format == "json" {
		return nil
	}
	return usage("write --format text or --format json", "there is no format %q", format)
}

// validation is what validate --format json writes.
type validation struct {
	Type     string           `json:"type"` // "validation"
	Format   int              `json:"format"`
	Files    int              `json:"files"`
	Errors   int              `json:"errors"`
	Warnings int              `json:"warnings"`
	Problems []report.Problem `json:"problems"`
}

func validate(cmd *cobra.Command, args []string, format string) error {
	sources, err := loadAll(args)
	if err != nil {
		return err
	}
	errs, warnings := countProblems(sources)
	out := cmd.OutOrStdout()
	if format == "json" {
		v := validation{"validation", report.FormatVersion, len(sources), errs, warnings, report.NewProblems(allProblems(sources))}
		err = report.Line(out, v)
	} else {
		err = validationText(out, sources, styleOf(cmd, out))
	}
	if err != nil {
		return written(err)
	}
	if errs > 0 {
		return exit(exitInvalid)
	}
	return nil
}

func validationText(w io.Writer, sources []source, s report.Style) error {
	if err := drawProblems(w, sources, s); err != nil {
		return err
	}
	for i := range sources {
		errs, warnings := countProblems(sources[i : i+1])
		if errs > 0 {
			continue
		}
		line := sources[i].name + ": valid"
		if warnings > 0 {
			line += ", " + count(warnings, "warning")
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	errs, warnings := countProblems(sources)
	if errs == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s, %s in %s      (exit %d)\n", count(errs, "error"), count(warnings, "warning"), count(len(sources), "file"), exitInvalid)
	return err
}

// count writes a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
