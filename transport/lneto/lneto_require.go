package lneto

import _ "github.com/soypat/lneto/tcp"
