package archive

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed athena.sql
var athena string

// Athena is the definition of the table over an archive, for these accounts. Accounts that
// are not named are not found by a query.
func Athena(at Place, accounts []string) (string, error) {
	accounts = slices.Compact(slices.Sorted(slices.Values(accounts)))
	for _, a := range accounts {
		if a != noAccount && folderAccount(a) != a {
			return "", fmt.Errorf("%q is no account", a)
		}
	}
	if len(accounts) == 0 {
		return "", fmt.Errorf("a table has an account at least")
	}
	return strings.NewReplacer("BUCKET/PREFIX/", at.Bucket+"/"+at.Prefix, "ACCOUNTS", strings.Join(accounts, ",")).Replace(athena), nil
}
