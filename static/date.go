package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// parseDate reads an HTTP-date in one of its three formats (RFC 9110 section
// 5.6.7), as seconds since 1970 UTC:
//
//	Sun, 06 Nov 1994 08:49:37 GMT     IMF-fixdate
//	Sunday, 06-Nov-94 08:49:37 GMT    obsolete, RFC 850
//	Sun Nov  6 08:49:37 1994          obsolete, asctime
//
// The name of the day must be one, and need not be the right one. Years of two
// digits are 1969 to 2068, as package time has them: there is no clock here to
// tell what is fifty years ahead.
func parseDate(b []byte) (unix int64, ok bool) {
	switch {
	case len(b) == 29 && b[3] == ',':
		return imfDate(b)
	case len(b) == 24 && b[3] == ' ':
		return ascDate(b)
	}
	for i := range days {
		if name := days[i]; len(b) == len(name)+24 && has(b, 0, name) && b[len(name)] == ',' {
			return oldDate(b[len(name)+1:])
		}
	}
	return 0, false
}

var days = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// has reports whether b has s at i.
func has(b []byte, i int, s string) bool {
	return len(b) >= i+len(s) && ascii.Equal(b[i:i+len(s)], s)
}

func shortDay(b []byte) bool {
	for i := range days {
		if has(b, 0, days[i][:3]) {
			return true
		}
	}
	return false
}

// month is the number of a month from 0, and -1 if it is none.
func month(b []byte) int {
	for m := range 12 {
		if has(b, 0, months[3*m:3*m+3]) {
			return m
		}
	}
	return -1
}

// digits is the number that b consists of, and -1 if it is none.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func imfDate(b []byte) (int64, bool) {
	if !shortDay(b) || b[4] != ' ' || b[7] != ' ' || b[11] != ' ' || b[16] != ' ' || !has(b, 25, " GMT") {
		return 0, false
	}
	return date(digits(b[12:16]), month(b[8:11]), digits(b[5:7]), b[17:25])
}

// oldDate reads what follows the comma of the format of RFC 850.
func oldDate(b []byte) (int64, bool) {
	if b[0] != ' ' || b[3] != '-' || b[7] != '-' || b[10] != ' ' || !has(b, 19, " GMT") {
		return 0, false
	}
	y := digits(b[8:10])
	if y < 0 {
		return 0, false
	}
	if y += 1900; y < 1969 {
		y += 100
	}
	return date(y, month(b[4:7]), digits(b[1:3]), b[11:19])
}

func ascDate(b []byte) (int64, bool) {
	if !shortDay(b) || b[7] != ' ' || b[10] != ' ' || b[19] != ' ' {
		return 0, false
	}
	day := b[8:10]
	if day[0] == ' ' {
		day = day[1:]
	}
	return date(digits(b[20:24]), month(b[4:7]), digits(day), b[11:19])
}

// date is the time of a day, whose numbers may be wrong.
func date(y, m, d int, clock []byte) (int64, bool) {
	if clock[2] != ':' || clock[5] != ':' {
		return 0, false
	}
	hour, min, sec := digits(clock[:2]), digits(clock[3:5]), digits(clock[6:])
	if y < 0 || m < 0 || d < 1 || d > monthDays(y, m) || hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 60 {
		return 0, false
	}
	// A year that begins in March has its leap day last.
	m -= 2
	if m < 0 {
		m += 12
		y--
	}
	y += 400 // none is negative
	day := int64(y*365+y/4-y/100+y/400) + int64((153*m+2)/5+d-1) - 719468 - 146097
	return day*86400 + int64(hour*3600+min*60+sec), true
}

func monthDays(y, m int) int {
	switch m {
	case 1:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 3, 5, 8, 10:
		return 30
	}
	return 31
}
