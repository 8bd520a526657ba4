cd /; pwd; cd - > /dev/null; cd /etc/..; cd etc; pwd; cd $OLDPWD; pwd
export A=1 B; B=2; sh -c 'echo $A $B'; C=3 sh -c 'echo $C'; echo "[$C]"; unset A; sh -c 'echo "[$A]"'
set -- a b c; shift; echo $* $#; shift 2; echo $#
eval 'x="ev al"; echo $x'; eval; echo $?
test 1 -lt 2 && [ a = a ] && [ ! -e /nope ] && [ -d / -a -f /etc/passwd ] && echo tests
[ -z "" -o x = y ]; echo $?; [ ]; echo $?; [ x ]; echo $?; [ ! x ]; echo $?; [ 1 -gt 2 ]; echo $?
[ "(" = "(" ]; echo $?; [ \( 1 -eq 1 \) ]; echo $?; [ a != b ] && echo differs
printf '%s-%03d|%-5s|%5s|%.2s|%x|%o|%c\n' a 5 ab cd xyz 255 8 hello
printf '%s\n' a b c; printf '%d %d\n' 1 2 3; printf '%b' 'tab\there\n'; printf '\101\n'; printf '%%\n'
printf '%5d|%-5d|%+d|% d|%05d\n' 42 42 42 42 42
trap 'echo trapped' TERM; kill -TERM $$; trap - TERM
(trap 'echo exiting' EXIT; echo before)
umask 027; umask; touch m; umask 022
for r in '' -r; do printf 'a\\b c\n' | { read $r x y; printf '%s\n' "$x|$y"; }; done
printf 'no newline' | { read x; echo "$? $x"; }
type cd > /dev/null; echo $?; command -v echo; type nosuchthing > /dev/null 2>&1; echo $?
while getopts ab:c opt -a -b val -c rest; do echo "$opt $OPTARG"; done; echo $OPTIND
sleep 0 & wait $!; echo $?; (exit 4) & wait $!; echo $?
readonly R=1; (R=2) 2>/dev/null; echo $?
. /dev/null; echo $?; exec 5>&1; echo five >&5
set -u; (echo $undefined) 2>/dev/null; echo $?; set +u
set -f; echo *; set +f
kill -l 9; : ; true; false; echo $?
exit 9
