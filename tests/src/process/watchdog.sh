# No "--" before a group's negative number: dash takes it for a number.
# Groups stand in $groups as words "id:signal", folders in the positional parameters.
trap '' HUP INT TERM
groups=''
while read -r verb first second; do
  case $verb in
    +) groups="$groups $first:$second" ;;
    -) kept=''
       for entry in $groups; do [ "${entry%:*}" = "$first" ] || kept="$kept $entry"; done
       groups=$kept ;;
    +dir) set -- "$@" "$first${second:+ $second}" ;;
    -dir) gone="$first${second:+ $second}"
          for folder do shift; [ "$folder" = "$gone" ] || set -- "$@" "$folder"; done ;;
  esac
done
for entry in $groups; do kill -"${entry#*:}" "-${entry%:*}"; done
tenths=0
while [ $tenths -lt 50 ]; do
  alive=''
  for entry in $groups; do kill -0 "-${entry%:*}" && alive=1; done
  [ -n "$alive" ] || break
  sleep 0.1
  tenths=$((tenths + 1))
done
for entry in $groups; do kill -9 "-${entry%:*}"; done
for folder do rm -rf -- "$folder"; done
