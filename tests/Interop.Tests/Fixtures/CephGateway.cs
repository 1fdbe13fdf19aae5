using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Matih.Fixtures;

/// <summary>
/// A real Ceph RADOS Gateway on this machine, with one monitor and one store that is in memory, and one bucket. It ends with
/// the fixture, and also when the test process dies. Debian's packages are installed where they are missing.
/// </summary>
public sealed class CephGateway : IAsyncDisposable
{
    public const string AccessKeyId = "MATIHACCESSKEYID0000";
    public const string SecretAccessKey = "matih/planted+secret/access+key/00000000";

    /// <summary>A role that may do everything, and that <see cref="AccessKeyId"/> may assume.</summary>
    public const string RoleArn = "arn:aws:iam:::role/matih";

    /// <summary>A key that the gateway knows.</summary>
    public const string KmsKeyId = "matih-key";

    private static readonly string[] Packages = ["ceph-mon", "ceph-osd", "radosgw", "ceph-common"];

    /// <summary>Starts everything, and ends it when its standard input ends. $1: folder, $2: the gateway's port, $3: the monitor's, $4: access key, $5: secret key.</summary>
    private const string Run = """
        set -eum
        cd "$1"
        mkdir mon osd run
        fsid=$(cat /proc/sys/kernel/random/uuid)
        cat > ceph.conf <<END
        [global]
        fsid = $fsid
        mon host = v1:127.0.0.1:$3
        public addr = 127.0.0.1
        cluster addr = 127.0.0.1
        ms bind ipv6 = false
        auth cluster required = none
        auth service required = none
        auth client required = none
        osd pool default size = 1
        osd pool default min size = 1
        osd pool default pg num = 1
        osd pool default pgp num = 1
        osd crush chooseleaf type = 0
        mon allow pool size one = true
        mon data avail crit = 0
        paxos propose interval = 0.02
        paxos min wait = 0.01
        osd objectstore = memstore
        memstore device bytes = 4294967296
        mon data = $1/mon
        osd data = $1/osd
        keyring = $1/keyring
        run dir = $1/run
        admin socket =
        pid file =
        log file =
        mon cluster log file =
        log to stderr = true
        debug rocksdb = 0
        debug memstore = 0
        [client.rgw]
        rgw frontends = beast endpoint=127.0.0.1:$2
        rgw s3 auth use sts = true
        rgw sts key = abcdefghijklmnop
        rgw crypt require ssl = false
        rgw crypt s3 kms backend = testing
        rgw crypt s3 kms encryption keys = matih-key=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=
        END
        monmaptool --create --addv a "[v1:127.0.0.1:$3]" --fsid "$fsid" monmap > /dev/null
        ceph-mon --mkfs -i a --monmap monmap -c ceph.conf > mon.log 2>&1
        ceph-mon -f -i a -c ceph.conf > mon.log 2>&1 &
        mon=$!
        trap 'for job in ${osd:-} ${rgw:-} $mon; do kill -9 -- -$job || true; done' EXIT
        uuid=$(cat /proc/sys/kernel/random/uuid)
        ceph -c ceph.conf osd new "$uuid" 0 > /dev/null 2> osd.log
        ceph-osd -i 0 --mkfs --osd-uuid "$uuid" -c ceph.conf > osd.log 2>&1
        # It gives up where it asks the monitor before it has the monitor's map ('wrong fsid').
        until ceph-osd -f -i 0 -c ceph.conf; do :; done >> osd.log 2>&1 &
        osd=$!
        admin() { radosgw-admin -n client.rgw -c ceph.conf "$@" > admin.log 2>&1 || { cat admin.log >&2; exit 1; }; }
        admin user create --uid=matih --display-name=Matih "--access-key=$4" "--secret-key=$5"
        radosgw -f -n client.rgw -c ceph.conf 2>&1 &
        rgw=$!
        admin role create --role-name=matih --path=/ --assume-role-policy-doc='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/matih"]},"Action":["sts:AssumeRole"]}]}'
        admin role-policy put --role-name=matih --policy-name=all --policy-doc='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}]}'
        echo all-set
        read -r _ || true
        """;

    private readonly ExternalProcess _process;
    private readonly string _folder;

    private CephGateway(ExternalProcess process, string folder, Uri uri) => (_process, _folder, Uri) = (process, folder, uri);

    /// <summary>Where S3 is spoken.</summary>
    public Uri Uri { get; }

    /// <summary>Another program may take a port between its choice and its use: a start is tried three times.</summary>
    public static async Task<CephGateway> StartAsync()
    {
        await DebianPackages.RequireAsync(Packages);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryStartAsync();
            }
            catch (InvalidOperationException) when (attempt < 3)
            {
            }
        }
    }

    private static async Task<CephGateway> TryStartAsync()
    {
        var folder = TemporaryDirectory.NewUnowned();
        var (port, monitorPort) = (FreePort(), FreePort());
        var process = ExternalProcess.Start(
            "/bin/bash",
            ["-c", Run, "bash", folder, port.ToString(CultureInfo.InvariantCulture), monitorPort.ToString(CultureInfo.InvariantCulture), AccessKeyId, SecretAccessKey],
            keepInputOpen: true);
        try
        {
            await process.Output.WaitForAsync("starting handler: beast");
            await process.Output.WaitForAsync("all-set");
            return new(process, folder, new Uri($"http://127.0.0.1:{port}"));
        }
        catch (Exception exception)
        {
            var said = process.Error.Text;
            await process.DisposeAsync();
            throw new InvalidOperationException($"The Ceph gateway did not start; its files are in {folder}.\n{said}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        TemporaryDirectory.Delete(_folder);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
