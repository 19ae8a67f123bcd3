package problem

import "github.com/spf13/cobra"

// maxDistance is how many letters of a word may be wrong.
const maxDistance = 2

// Nearest returns those of the words that somebody who typed word may have meant:
// few letters apart, or beginning with it.
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

// DidYouMean adds a line for each word that somebody who typed word may have meant,
// and returns the same error. format has the place of the word.
func (e *Error) DidYouMean(word string, words []string, format string) *Error {
	for _, w := range Nearest(word, words) {
		e = e.Hint("did you mean: "+format, w)
	}
	return e
}
