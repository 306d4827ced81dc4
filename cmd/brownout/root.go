package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"brownout/scenarios"
)

// codesKey is the annotation of a command that names the exit codes its help lists.
const codesKey = "exit codes"

// newRoot returns the command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "brownout",
		Short: "A fake upstream that fails on purpose, and a verdict on how the client took it",
		Example: `  brownout run retry/two-503s -- curl -s --retry 3 {url}/items/1
  brownout run scenarios/payments.yaml -- npm test
  brownout serve
  brownout list`,
		Annotations:       map[string]string{codesKey: "0 1 2 3 4 5 130"},
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().Bool("no-color", false, "no colours, as with NO_COLOR=1")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), helpText(cmd)) })
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := fmt.Fprint(cmd.OutOrStderr(), usageText(cmd))
		return err
	})
	root.AddCommand(newRun(), newServe(), newValidate(), newExplain(), newList(), newWebhook(), newVersion(), newCompletion())
	root.SetHelpCommand(newHelp())
	return root
}

// unknownCommand is the mistake of a word that is no command.
func unknownCommand(root *cobra.Command, word string) error {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	hint := "the commands are " + strings.Join(names, ", ")
	if near := scenarios.Suggest(word, names); near != "" {
		hint = fmt.Sprintf("did you mean brownout %s?", near)
	}
	return usage(hint, "unknown command %q", word)
}

// flagError turns a mistake with a flag into one that says which flag was meant.
func flagError(cmd *cobra.Command, err error) error {
	if !cmd.HasParent() && len(cmd.Flags().Args()) > 0 {
		return unknownCommand(cmd, cmd.Flags().Args()[0])
	}
	text := err.Error()
	hint := fmt.Sprintf("run %s --help for its flags", cmd.CommandPath())
	if name, found := strings.CutPrefix(text, "unknown flag: --"); found {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := scenarios.Suggest(name, names); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
		text = "unknown flag --" + name
	}
	return usage(hint, "%s", text)
}
