package smartlead

import "strings"

// maxDecimalDigits bounds how long a number may become when its exponent is
// written out. Beyond it the number stays as it was written.
const maxDecimalDigits = 40

// decimal returns the canonical decimal text of a JSON number, exact at any size:
// 12, 12.0 and 1.2e1 are "12". The provider sends one id as number or text and
// beyond 2^53, so no conversion to a float or an int may happen.
func decimal(raw []byte) string {
	s := string(raw)
	if !strings.ContainsAny(s, ".eE-") {
		return s
	}
	digits, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := digits, 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		var ok bool
		mantissa = digits[:i]
		if exponent, ok = smallInt(digits[i+1:]); !ok {
			return s
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := whole + fraction
	point := len(whole) + exponent
	if point > maxDecimalDigits || point < -maxDecimalDigits || len(all) > maxDecimalDigits {
		return s
	}
	if point < 0 {
		all, point = strings.Repeat("0", -point)+all, 0
	}
	if point > len(all) {
		all += strings.Repeat("0", point-len(all))
	}
	whole = strings.TrimLeft(all[:point], "0")
	fraction = strings.TrimRight(all[point:], "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative && whole != "0" {
		return "-" + whole
	}
	return whole
}

// smallInt reads an exponent of at most four digits.
func smallInt(s string) (int, bool) {
	s, negative := strings.CutPrefix(s, "-")
	s = strings.TrimPrefix(s, "+")
	if len(s) > 4 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
