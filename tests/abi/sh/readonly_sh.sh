# Permissions as seen by another user.
umask 077; echo secret > s; mkdir p; echo x > p/x; chmod 755 .
setpriv --reuid 1234 --regid 1234 --clear-groups sh -c 'cat s; echo $?; ls p; echo $?; id -u; echo > new; echo $?; rm -f s; echo $?; cat /etc/passwd > /dev/null; echo $?' 2> /dev/null || echo no setpriv
ls s p/x
