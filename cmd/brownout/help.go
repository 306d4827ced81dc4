package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The help is written by functions: cobra's templates would keep the linker from leaving out what is never called, and
// make the binary larger by a quarter.

// newHelp returns the help command.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell about a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), strings.Join(args, " "))
			}
			return target.Help()
		},
	}
}

// helpText tells about a command: what it does, examples, how it is called, and its exit codes.
func helpText(cmd *cobra.Command) string {
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	return about + "\n\n" + usageText(cmd)
}

func usageText(cmd *cobra.Command) string {
	var b strings.Builder
	if cmd.HasExample() {
		fmt.Fprintf(&b, "Examples:\n%s\n\n", cmd.Example)
	}
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND [ARG...]\n\nCommands:\n", cmd.CommandPath())
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s   %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableLocalFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", cmd.LocalFlags().FlagUsages())
	}
	if codes := strings.Fields(cmd.Annotations[codesKey]); len(codes) > 0 {
		b.WriteString("\nExit codes:\n")
		for _, code := range codes {
			fmt.Fprintf(&b, "  %-4s %s\n", code, meaningOf(code))
		}
	}
	return b.String()
}

// meaningOf says what an exit code means.
func meaningOf(code string) string {
	for _, c := range exitCodes {
		if fmt.Sprint(c.code) == code {
			return c.meaning
		}
	}
	return ""
}
