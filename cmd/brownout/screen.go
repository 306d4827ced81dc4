package main

import (
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"brownout/suites/report"
)

// styleOf returns how to draw on an output of a command.
func styleOf(cmd *cobra.Command, w io.Writer) report.Style {
	noColor, _ := cmd.Flags().GetBool("no-color")
	width, tty := 0, false
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		tty = true
		width, _, _ = term.GetSize(int(f.Fd()))
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		width = n
	}
	return report.Detect(os.Getenv, tty, width, noColor)
}
