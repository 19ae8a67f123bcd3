package output

import "github.com/spf13/cobra"

// maxDistance is how many letters of a word may be wrong.
const maxDistance = 2

// Nearest returns those of the words that somebody who typed word may have meant:
// few letters apart, or beginning with it. cobra judges that, as it does for the
// commands.
func Nearest(word string, words []string) []string {
	if word == "" {
		return nil
	}
	all := &cobra.Command{SuggestionsMinimumDistance: maxDistance}
	for _, w := range words {
		all.AddCommand(&cobra.Command{Use: w, Run: func(*cobra.Command, []string) {}})
	}
	return all.SuggestionsFor(word)
}
