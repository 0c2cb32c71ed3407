package http1

// DateSize is the length of what AppendDate appends.
const DateSize = 29

// AppendDate appends a time, in seconds since 1970 UTC without leap seconds,
// as an IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
// Years from 0 to 9999 can be written; a time beyond is written as the nearest
// of those.
func AppendDate(dst []byte, unix int64) []byte {
	// 0000-01-01 and 9999-12-31 23:59:59: the format has four digits.
	unix = min(max(unix, -62167219200), 253402300799)
	day := unix / 86400
	sec := int(unix % 86400)
	if sec < 0 {
		sec += 86400
		day--
	}
	// 1970-01-01 was a Thursday, day 4 of a week that begins on Sunday.
	wd := int((day%7 + 11) % 7)

	// Days to a civil date by eras of 400 years that begin on 1 March, so that
	// the leap day is the last of its year.
	day += 719468
	era := day / 146097
	if day < 0 {
		era = (day - 146096) / 146097
	}
	doe := int(day - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d := doy - (153*mp+2)/5 + 1
	m := mp + 2 // from 0
	y := yoe + int(era)*400
	if m >= 12 {
		m -= 12
		y++
	}

	const days = "SunMonTueWedThuFriSat"
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	dst = append(dst, days[wd*3:wd*3+3]...)
	return append(dst, ',', ' ',
		byte('0'+d/10), byte('0'+d%10), ' ',
		months[m*3], months[m*3+1], months[m*3+2], ' ',
		byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), ' ',
		byte('0'+sec/36000), byte('0'+sec/3600%10), ':',
		byte('0'+sec%3600/600), byte('0'+sec/60%10), ':',
		byte('0'+sec%60/10), byte('0'+sec%10), ' ', 'G', 'M', 'T')
}
