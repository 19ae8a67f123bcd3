package checks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/stack"
)

// checkAccounts compares what the sources of an account, and those of different ones,
// trust. An account here stands for one of Smartlead, which has one secret_key (two in
// a rotation): keys tell where that is not so. A key itself is never read, its digest is.
func checkAccounts(ctx context.Context, s Asker, st *stack.Stack) Finding {
	listed, err := st.Sources.List(ctx)
	if err != nil { // which checkSources has told
		return noted("the check of the sources says why", "not checked: the sources cannot be read")
	}
	byAccount := map[string][]auth.Source{}
	for _, l := range listed {
		if l.Err == nil { // checkSources tells of the others
			byAccount[l.Source.Account] = append(byAccount[l.Source.Account], l.Source)
		}
	}
	now := s.Now()
	var next []string
	say := func(found []string, what string) []string {
		if len(found) > 0 {
			next = append(next, what)
		}
		return found
	}
	found := slices.Concat(
		say(keysOfTwoAccounts(byAccount, now), "sources of one Smartlead account need one --account: remove the source and add it again under the account of the other"),
		say(accountsOfTwoKeys(byAccount, now), "sources of two Smartlead accounts need two: remove one and add it again under an account of its own; of an old key: "+s.Self+" sources trust-key NAME"),
		say(openSources(byAccount), "give it a list as well: "+s.Self+" sources trust-key NAME"),
	)
	if len(found) == 0 {
		return fine("their sources agree on whom they trust")
	}
	return noted(strings.Join(next, "; "), "%s", strings.Join(found, "; "))
}

// keysOfTwoAccounts finds one secret_key that sources of different accounts trust: one
// event through both is two events.
func keysOfTwoAccounts(byAccount map[string][]auth.Source, now time.Time) (found []string) {
	first := map[auth.Digest]auth.Source{}
	told := map[[2]string]bool{}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		for _, source := range byAccount[account] {
			for _, key := range source.TrustedKeys(now) {
				other, seen := first[key]
				pair := [2]string{other.Account, account}
				if !seen {
					first[key] = source
				} else if other.Account != account && !told[pair] {
					told[pair] = true
					found = append(found, fmt.Sprintf("accounts %s and %s have one secret_key (sources %s, %s): an event through both is two events",
						other.Account, account, other.Name, source.Name))
				}
			}
		}
	}
	return found
}

// accountsOfTwoKeys finds sources of one account that have no secret_key in common:
// events of two Smartlead accounts share identities there. Old and new of a rotation are
// on one list, and tie it to the lists of both.
func accountsOfTwoKeys(byAccount map[string][]auth.Source, now time.Time) (found []string) {
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		var groups []keyGroup // of sources that are tied to each other
		for _, source := range byAccount[account] {
			keys := source.TrustedKeys(now)
			if len(keys) == 0 {
				continue
			}
			joined := keyGroup{source.Name, keys}
			rest := groups[:0:0]
			for _, g := range groups {
				if g.shares(keys) {
					joined = keyGroup{g.first, append(slices.Clone(joined.keys), g.keys...)}
				} else {
					rest = append(rest, g)
				}
			}
			groups = append(rest, joined)
		}
		if len(groups) > 1 {
			names := make([]string, len(groups))
			for i, g := range groups {
				names[i] = g.first
			}
			slices.Sort(names)
			found = append(found, fmt.Sprintf("account %s has %d secret_keys that no source trusts together (sources %s): two Smartlead accounts, or a key of before a rotation",
				account, len(groups), strings.Join(names, ", ")))
		}
	}
	return found
}

type keyGroup struct {
	first string // source
	keys  []auth.Digest
}

func (g keyGroup) shares(keys []auth.Digest) bool {
	return slices.ContainsFunc(keys, func(k auth.Digest) bool { return slices.Contains(g.keys, k) })
}

// openSources finds sources without a list beside others of the account that have one:
// whoever has their URL speaks for all of them.
func openSources(byAccount map[string][]auth.Source) (found []string) {
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		var open, listing []string
		for _, source := range byAccount[account] {
			if source.ChecksBodies() {
				listing = append(listing, source.Name)
			} else {
				open = append(open, source.Name)
			}
		}
		if len(open) > 0 && len(listing) > 0 {
			found = append(found, fmt.Sprintf("account %s: %s trusts every body, and so speaks for %s, which does not",
				account, strings.Join(open, ", "), strings.Join(listing, ", ")))
		}
	}
	return found
}
