<?php
// Roundcube on mailaccess, as "mailadm lab --webmail" runs it: Debian's packages roundcube-core, roundcube-sqlite3
// and php-cli, PHP's own web server, no root. What the lab does with this file in FOLDER:
//     ln -s /etc/roundcube/defaults.inc.php /etc/roundcube/mimetypes.php FOLDER/
//     sqlite3 FOLDER/roundcube.db < /usr/share/roundcube/SQL/sqlite.initial.sql
//     head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' > FOLDER/des_key
//     ROUNDCUBE_CONFIG_DIR=FOLDER php -S 127.0.0.1:2080 -t /var/lib/roundcube/public_html
// Behind Apache or nginx the same lines belong into /etc/roundcube/config.inc.php.
$config = [];

// Whose mail lies where: the domain behind the @ chooses the server. 'tls://mail.example.org:143' outside of a lab.
$config['imap_host'] = [
    '127.0.1.1:2143' => ['daum.net'],
    '127.0.1.2:2143' => ['naver.com'],
];
$config['smtp_host'] = '%h:2587';  // submission of the same server, with the user's own login
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';

// The server makes Drafts, Sent, Junk and Trash and says which is which (SPECIAL-USE, RFC 6154).
$config['create_default_folders'] = false;

$config['db_dsnw'] = 'sqlite:///' . __DIR__ . '/roundcube.db?mode=0600';
$config['des_key'] = trim(file_get_contents(__DIR__ . '/des_key'));
$config['log_dir'] = __DIR__ . '/logs';
$config['temp_dir'] = __DIR__ . '/temp';
$config['mime_types'] = null;

$config['product_name'] = 'mailaccess lab';
$config['plugins'] = [];
$config['enable_spellcheck'] = false;
