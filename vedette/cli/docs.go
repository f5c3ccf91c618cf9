package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/vedette/exit"
)

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs",
		Short:  "Print the reference page of the command line",
		Hidden: true,
		Args:   exit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return WriteReference(c.OutOrStdout(), c.Root())
		},
	}
}

// WriteReference writes the reference page in Markdown.
func WriteReference(w io.Writer, root *cobra.Command) error {
	var b strings.Builder
	b.WriteString("# The command line\n\nThis page is made by `vedette docs`.\n")
	section(&b, root)
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("cannot write the reference page: %w", err)
	}
	return nil
}

func section(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	b.WriteString(strings.TrimSpace(long) + "\n")
	if c.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", dedent(c.Example))
	}
	if flags := c.LocalFlags().FlagUsagesWrapped(120); flags != "" {
		fmt.Fprintf(b, "\n```\n%s\n```\n", strings.TrimRight(dedent(flags), "\n"))
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			section(b, sub)
		}
	}
}

// dedent takes two spaces from the begin of every line.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
